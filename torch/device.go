package torch

// #include "shim.h"
import "C"

import (
	"errors"
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

// A DeviceError says why a device cannot be used.
type DeviceError struct {
	Device string // as requested
	Err    error
}

func (e *DeviceError) Error() string { return fmt.Sprintf("torch: device %s: %v", e.Device, e.Err) }

// Unwrap returns the reason.
func (e *DeviceError) Unwrap() error { return e.Err }

// findDevice returns the device of [Options]. It loads CUDA unless the device is the CPU.
func findDevice(name string, local int) (Device, error) {
	index, isCUDA := local, false
	switch base, n, found := strings.Cut(name, ":"); {
	case name == "cpu", name == "":
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
	err := loadCUDA()
	switch {
	case err != nil && isCUDA:
		return CPU, &DeviceError{name, err}
	case err != nil:
		return CPU, nil
	}
	if n := int(lib.AtcCudaDeviceCount()); index >= n {
		return CPU, &DeviceError{name, fmt.Errorf("there are %d CUDA devices, cuda:0 to cuda:%d", n, n-1)}
	}
	return CUDA(index), nil
}

// loadCUDA brings libtorch_cuda into the process, once.
var loadCUDA = sync.OnceValue(func() error {
	if _, err := os.Stat("/proc/driver/nvidia/version"); err != nil {
		return errors.New("no NVIDIA driver is loaded on this machine")
	}
	if msg := TakeError(cPointer(C.hy_load_cuda())); msg != "" {
		return fmt.Errorf("libtorch_cuda does not load (%s); fetch it with: TORCH_VARIANT=cuda make setup", msg)
	}
	if lib.AtcCudaDeviceCount() == 0 {
		return errors.New("libtorch sees no CUDA device; is CUDA_VISIBLE_DEVICES set?")
	}
	return nil
})

func setCuDNNBenchmark(on bool) { lib.AtcSetBenchmarkCudnn(cBool(on)) }
