package torch

// #include "shim.h"
import "C"

import (
	"path/filepath"
	"runtime"
)

// Version returns libtorch's version, "2.11.0".
func Version() string { return C.GoString(C.hy_torch_version()) }

// CPUCapability returns the vector instructions that libtorch's own kernels use on this machine: AVX2, AVX512 or DEFAULT
// on x86-64, NEON or SVE256 on arm64. The environment variable ATEN_CPU_CAPABILITY lowers it.
func CPUCapability() string { return capability(runtime.GOARCH, C.GoString(C.hy_cpu_capability())) }

// capability returns libtorch's name, but NEON for DEFAULT on arm64, where that includes 128-bit vectors and fused
// multiply-add.
func capability(arch, name string) string {
	if arch == "arm64" && name == "DEFAULT" {
		return "NEON"
	}
	return name
}

func setNumThreads(n int) { checkShim(C.hy_set_num_threads(C.int(n)), "set_num_threads") }

// Folders returns the folder of this process's libtorch (with include/ and lib/) and that of gotch's compiled C++ and
// the headers that it was compiled with.
func Folders() (libtorch, gotch string) {
	dir := func(gotch C.int) string {
		path := C.hy_library_of(gotch)
		defer C.free(cPointer(path))
		return filepath.Dir(C.GoString(path))
	}
	return filepath.Dir(dir(0)), dir(1)
}
