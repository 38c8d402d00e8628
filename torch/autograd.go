package torch

// #include "shim.h"
import "C"

import (
	lib "github.com/sugarme/gotch/libtch"
)

// NoGrad runs f without recording for autograd, and restores the previous mode even if f fails.
func NoGrad(f func()) { SetGradEnabled(false, f) }

// SetGradEnabled runs f with autograd's recording on or off and restores the previous mode.
func SetGradEnabled(on bool, f func()) {
	use("grad mode")
	previous := setGrad(on)
	defer setGrad(previous)
	f()
}

// GradEnabled reports whether operations are recorded for autograd.
func GradEnabled() bool {
	use("grad mode")
	on := setGrad(true)
	setGrad(on)
	return on
}

// setGrad sets the mode and returns the previous one. gotch's own function is wrong: it reads 8 bytes of a C int.
func setGrad(on bool) bool { return C.hy_grad_mode(C.int(cBool(on))) != 0 }

// Backward computes the gradients of the scalar loss with respect to every leaf that requires one, and adds them to the
// gradients that the leaves have. It frees the recorded graph.
func Backward(loss *Tensor) {
	use("backward", loss)
	lib.AtBackward(loss.c, 0, 0)
	check("backward", loss)
}

// Detach returns t's data without its history.
func Detach(s *Scope, t *Tensor) *Tensor {
	return call(s, "detach", func(out *lib.Ctensor) { lib.AtgDetach(out, t.c) }, t)
}

// SetRequiresGrad sets whether Backward computes a gradient for the leaf t, and returns t.
func SetRequiresGrad(t *Tensor, on bool) *Tensor {
	return callInPlace("requires_grad_", func(out *lib.Ctensor) {
		lib.AtgSetRequiresGrad(out, t.c, cBool32(on))
	}, t)
}

// RequiresGrad reports whether operations on t are recorded for autograd.
func RequiresGrad(t *Tensor) bool {
	use("requires_grad", t)
	return lib.AtRequiresGrad(t.c)
}

// Grad returns t's gradient, the same memory that Backward writes, or nil if there is none.
func Grad(s *Scope, t *Tensor) *Tensor {
	use("grad", t)
	var yes C.int
	checkShim(C.hy_has_grad(t.handle(), &yes), "grad", t)
	if yes == 0 {
		return nil
	}
	return call(s, "grad", func(out *lib.Ctensor) { lib.AtgGrad(out, t.c) }, t)
}

// ClearGrads drops the gradients, as optimizer.zero_grad(set_to_none=True).
func ClearGrads(ts []*Tensor) {
	use("zero_grad", ts...)
	if len(ts) == 0 {
		return
	}
	checkShim(C.hy_clear_grads(Handles(ts), C.int(len(ts))), "zero_grad")
}
