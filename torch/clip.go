package torch

// #include "shim.h"
import "C"

import "unsafe"

// GradNorm returns the norm of all gradients together, a scalar, as torch.nn.utils.get_total_norm. Parameters without a
// gradient are left out; at least one has one.
func GradNorm(s *Scope, params []*Tensor) *Tensor {
	return callShim(s, "grad norm", func(out *unsafe.Pointer) *C.char {
		return C.hy_grad_norm(handles(params), C.int(len(params)), out)
	}, params...)
}

// ClipGrads scales the gradients so that their norm, which GradNorm returns, becomes most if it is more, as
// torch.nn.utils.clip_grads_with_norm_.
func ClipGrads(params []*Tensor, norm *Tensor, most float64) {
	use("clip gradients", params...)
	checkShim(C.hy_clip_grads(handles(params), C.int(len(params)), norm.handle(), C.double(most)), "clip gradients", norm)
}
