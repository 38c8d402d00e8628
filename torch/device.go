package torch

// #include "shim.h"
import "C"

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	lib "github.com/sugarme/gotch/libtch"
)

// A Device is where a tensor lives. The zero value is [CPU].
type Device int32

// CPU is the host's memory.
const CPU Device = 0

// CUDA returns a CUDA device by its index, from 0.
func CUDA(index int) Device { return Device(index + 1) }

// Index returns the index of a CUDA device, and -1 for the CPU.
func (d Device) Index() int { return int(d) - 1 }

// String returns PyTorch's name, "cpu" or "cuda:0".
func (d Device) String() string {
	if d == CPU {
		return "cpu"
	}
	return fmt.Sprintf("cuda:%d", d.Index())
}

// ParseDevice returns the device that name asks for: "cpu", "cuda", "cuda:N", or "auto", the first CUDA
// device where there is one and the CPU elsewhere. It loads CUDA unless name is "cpu", and must
// therefore come before anything else that could ask libtorch for CUDA, seeding included: libtorch
// remembers a first "no". Call it inside [Do].
func ParseDevice(name string) (Device, error) {
	index, isCUDA := 0, false
	switch base, n, found := strings.Cut(name, ":"); {
	case name == "cpu":
		return CPU, nil
	case name == "auto":
	case base == "cuda":
		isCUDA = true
		if !found {
			break
		}
		var err error
		if index, err = strconv.Atoi(n); err != nil || index < 0 || n[0] == '+' {
			return CPU, fmt.Errorf("torch: device %q: want a number after %q, as in cuda:0", name, "cuda:")
		}
	default:
		return CPU, fmt.Errorf("torch: no device %q: want auto, cpu, cuda or cuda:N", name)
	}
	use("parse device")
	err := loadCUDA()
	switch {
	case err != nil && isCUDA:
		return CPU, fmt.Errorf("torch: device %s: %w", name, err)
	case err != nil:
		return CPU, nil
	}
	if n := int(lib.AtcCudaDeviceCount()); index >= n {
		return CPU, fmt.Errorf("torch: device %s: there are %d CUDA devices, cuda:0 to cuda:%d", name, n, n-1)
	}
	return CUDA(index), nil
}

// loadCUDA brings libtorch_cuda into the process, once.
var loadCUDA = sync.OnceValue(func() error {
	if _, err := os.Stat("/proc/driver/nvidia/version"); err != nil {
		return fmt.Errorf("no NVIDIA driver is loaded on this machine; use --device cpu")
	}
	if msg := takeError(cPointer(C.hy_load_cuda())); msg != "" {
		return fmt.Errorf("libtorch_cuda does not load (%s); fetch it with: TORCH_VARIANT=cuda make setup", msg)
	}
	if lib.AtcCudaDeviceCount() == 0 {
		return fmt.Errorf("libtorch sees no CUDA device; is CUDA_VISIBLE_DEVICES set?")
	}
	return nil
})

// SetCuDNNBenchmark lets cuDNN time its algorithms for each new shape and keep the fastest, as
// torch.backends.cudnn.benchmark does.
func SetCuDNNBenchmark(on bool) {
	use("cudnn benchmark")
	lib.AtcSetBenchmarkCudnn(cBool(on))
}

// Synchronize waits until all work queued on a CUDA device is done. It does nothing for the CPU.
func Synchronize(d Device) {
	use("synchronize")
	if d != CPU {
		lib.AtcSynchronize(int64(d.Index()))
		check("synchronize")
	}
}
