package torch

// #include "shim.h"
import "C"

import (
	"unsafe"

	lib "github.com/sugarme/gotch/libtch"
)

// The updates that optimizers are made of.

// AddcmulInPlace is t += value * a * b, as torch.addcmul.
func AddcmulInPlace(t, a, b *Tensor, value float64) *Tensor {
	use("addcmul_", t, a, b)
	checkShim(C.hy_addcmul_(t.handle(), a.handle(), b.handle(), C.double(value)), "addcmul_", t, a, b)
	return t
}

// AddcdivInPlace is t += value * a / b, as torch.addcdiv.
func AddcdivInPlace(t, a, b *Tensor, value float64) *Tensor {
	use("addcdiv_", t, a, b)
	checkShim(C.hy_addcdiv_(t.handle(), a.handle(), b.handle(), C.double(value)), "addcdiv_", t, a, b)
	return t
}

// LerpInPlace is t += weight * (end - t), as torch.lerp.
func LerpInPlace(t, end *Tensor, weight float64) *Tensor {
	withScalar(t, weight, func(w lib.Cscalar) {
		callInPlace("lerp_", func(out *lib.Ctensor) { lib.AtgLerp_(out, t.c, end.c, w) }, t, end)
	})
	return t
}

// Sqrt returns the square root of every element.
func Sqrt(s *Scope, t *Tensor) *Tensor {
	return call(s, "sqrt", func(out *lib.Ctensor) { lib.AtgSqrt(out, t.c) }, t)
}

// DivScalarInPlace is t /= v.
func DivScalarInPlace(t *Tensor, v float64) *Tensor {
	withScalar(t, v, func(c lib.Cscalar) {
		callInPlace("div_", func(out *lib.Ctensor) { lib.AtgDivScalar_(out, t.c, c) }, t)
	})
	return t
}

// An SGDStep holds the arguments of a step of SGD.
type SGDStep struct {
	Buffers  []*Tensor // of the momentum, one per parameter; the first step sets them to the gradients
	First    bool
	Momentum float64 // if it is 0, Buffers is not read

	LR          float64
	Rate        *Tensor // instead of LR, if not nil: a float32 scalar on the parameters' device, so that a [Graph] can hold the step
	WeightDecay float64
	Nesterov    bool
}

// FusedSGD is a whole step for all parameters in one call, as torch.optim.SGD(fused=True).
func FusedSGD(params, grads []*Tensor, step SGDStep) {
	use("fused sgd", params...)
	use("fused sgd", grads...)
	if len(params) == 0 {
		return
	}
	var moments *unsafe.Pointer
	if step.Momentum != 0 {
		use("fused sgd", step.Buffers...)
		moments = Handles(step.Buffers)
	}
	var rate unsafe.Pointer
	if step.Rate != nil {
		use("fused sgd", step.Rate)
		rate = step.Rate.handle()
	}
	checkShim(C.hy_fused_sgd(Handles(params), Handles(grads), moments, C.int(len(params)), C.double(step.LR), C.double(step.Momentum),
		C.double(step.WeightDecay), C.int(cBool(step.Nesterov)), C.int(cBool(step.First)), rate), "fused sgd")
}
