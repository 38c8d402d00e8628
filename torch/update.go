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

// FusedSGD is a whole step of SGD with momentum for all parameters in one call, as torch.optim.SGD(fused=True):
// buffers, one per parameter, are made the gradients at the first step and are not read where momentum is 0. rate, where
// not nil, is a float32 scalar on the parameters' device that takes the place of lr, so that a [Graph] can hold the step.
func FusedSGD(params, grads, buffers []*Tensor, lr, momentum, weightDecay float64, nesterov, first bool, rate *Tensor) {
	use("fused sgd", params...)
	use("fused sgd", grads...)
	if len(params) == 0 {
		return
	}
	var moments *unsafe.Pointer
	if momentum != 0 {
		use("fused sgd", buffers...)
		moments = handles(buffers)
	}
	var r unsafe.Pointer
	if rate != nil {
		use("fused sgd", rate)
		r = rate.handle()
	}
	checkShim(C.hy_fused_sgd(handles(params), handles(grads), moments, C.int(len(params)), C.double(lr),
		C.double(momentum), C.double(weightDecay), C.int(cBool(nesterov)), C.int(cBool(first)), r), "fused sgd")
}
