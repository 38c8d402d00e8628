package torch

// #include "shim.h"
import "C"

import (
	"os"
	"unsafe"

	lib "github.com/sugarme/gotch/libtch"
)

// EmptyPinned returns an uninitialised tensor in locked memory of the host, from which a CUDA device can copy without the
// CPU.
func EmptyPinned(s *Scope, dtype DType, shape ...int64) *Tensor {
	use("empty pinned")
	var out unsafe.Pointer
	dims := dims(shape)
	checkShim(C.hy_empty_pinned((*C.int64_t)(&dims[0]), C.int(len(shape)), C.int(dtype), &out), creation("empty pinned", dtype, shape))
	return wrap(s, lib.Ctensor(out))
}

// Upload copies a pinned tensor to a CUDA device on a stream of its own. It waits only for the copy.
func Upload(s *Scope, pinned *Tensor, device Device) *Tensor {
	return callShim(s, "upload", func(out *unsafe.Pointer) *C.char {
		return C.hy_upload(pinned.handle(), C.int(device.Index()), out)
	}, pinned)
}

// DeviceMemory is how much of a CUDA device's memory is in use, in bytes.
type DeviceMemory struct {
	Allocated int64 // by this process's tensors
	Peak      int64 // the most that these ever took
	Free      int64 // on the device, for any process
}

// MemoryOf returns the memory of a CUDA device, from libtorch's allocator.
func MemoryOf(device Device) (m DeviceMemory) {
	use("device memory")
	checkShim(C.hy_device_memory(C.int(device.Index()), (*C.int64_t)(&m.Allocated), (*C.int64_t)(&m.Peak), (*C.int64_t)(&m.Free)), "device memory")
	return m
}

func setDeterministic() {
	os.Setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8") // cuBLAS reads it when it is first used
	checkShim(C.hy_deterministic(), "deterministic")
}
