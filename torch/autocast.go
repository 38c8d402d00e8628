package torch

// #include "shim.h"
import "C"

// Autocast runs f with torch.autocast: on the given device, operations that gain by it compute in dtype,
// [BFloat16] or [Float16]. The previous state is restored, also when f fails.
func Autocast(device Device, dtype DType, f func()) {
	use("autocast")
	cuda := C.int(cBool(device != CPU))
	on, typ := C.int(1), C.int(dtype)
	checkShim(C.hy_autocast(cuda, &on, &typ), "autocast")
	defer func() {
		checkShim(C.hy_autocast(cuda, &on, &typ), "autocast")
		if on == 0 {
			checkShim(C.hy_autocast_clear(), "autocast") // the casts of weights that were kept meanwhile
		}
	}()
	f()
}
