package torch

// #include "shim.h"
import "C"

// Autocast runs f with torch.autocast: on the given device, operations that gain from it compute in dtype, [BFloat16] or
// [Float16]. Afterwards Autocast restores the previous state, even if f fails.
func Autocast(device Device, dtype DType, f func()) {
	use("autocast")
	cuda := C.int(cBool(device != CPU))
	on, typ := C.int(1), C.int(dtype)
	checkShim(C.hy_autocast(cuda, &on, &typ), "autocast")
	outermost := on == 0
	defer func() {
		checkShim(C.hy_autocast(cuda, &on, &typ), "autocast")
		if outermost { // drops the cached casts of weights, which may change now
			checkShim(C.hy_autocast_clear(), "autocast")
		}
	}()
	f()
}
