package torch

// #include "shim.h"
import "C"

import "path/filepath"

// Version returns libtorch's version, "2.11.0".
func Version() string { return C.GoString(C.hy_torch_version()) }

// CPUCapability returns the vector instructions that libtorch's own kernels use on this machine:
// DEFAULT, AVX2 or AVX512. The environment variable ATEN_CPU_CAPABILITY lowers it.
func CPUCapability() string { return C.GoString(C.hy_cpu_capability()) }

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
