package torch

// #include "shim.h"
import "C"

import "unsafe"

// GradNorm returns the total norm of the gradients, a scalar, as torch.nn.utils.get_total_norm does. It ignores
// parameters without a gradient; at least one must have one.
func GradNorm(s *Scope, params []*Tensor) *Tensor {
	return callShim(s, "grad norm", func(out *unsafe.Pointer) *C.char {
		return C.hy_grad_norm(Handles(params), C.int(len(params)), out)
	}, params...)
}

// ClipGrads scales the gradients so that their norm, from GradNorm, is at most most, as
// torch.nn.utils.clip_grads_with_norm_ does.
func ClipGrads(params []*Tensor, norm *Tensor, most float64) {
	use("clip gradients", params...)
	checkShim(C.hy_clip_grads(Handles(params), C.int(len(params)), norm.handle(), C.double(most)), "clip gradients", norm)
}
