package torch

// #include "shim.h"
import "C"

import (
	"unsafe"

	lib "github.com/sugarme/gotch/libtch"
)

// Element-wise arithmetic follows torch.add and its kin, broadcasting included. A name that ends in
// InPlace changes its first operand and returns it.

// Add returns a + b.
func Add(s *Scope, a, b *Tensor) *Tensor {
	return call(s, "add", func(out *lib.Ctensor) { lib.AtgAdd(out, a.c, b.c) }, a, b)
}

// AddInPlace is a += b.
func AddInPlace(a, b *Tensor) *Tensor {
	return callInPlace("add_", func(out *lib.Ctensor) { lib.AtgAdd_(out, a.c, b.c) }, a, b)
}

// AddScaled returns a + alpha*b, rounded once if the CPU has fused multiply-add, as torch.add(a, b, alpha=alpha).
func AddScaled(s *Scope, a, b *Tensor, alpha float64) *Tensor {
	return callShim(s, "add", func(out *unsafe.Pointer) *C.char {
		return C.hy_add_scaled(a.handle(), b.handle(), C.double(alpha), out)
	}, a, b)
}

// AddScaledInPlace is a.add_(b, alpha=alpha).
func AddScaledInPlace(a, b *Tensor, alpha float64) *Tensor {
	use("add_", a, b)
	checkShim(C.hy_add_scaled_(a.handle(), b.handle(), C.double(alpha)), "add_", a, b)
	return a
}

// AddScalar returns a + v.
func AddScalar(s *Scope, a *Tensor, v float64) (t *Tensor) {
	withScalar(a, v, func(c lib.Cscalar) {
		t = call(s, "add", func(out *lib.Ctensor) { lib.AtgAddScalar(out, a.c, c) }, a)
	})
	return t
}

// AddScalarInPlace is a += v.
func AddScalarInPlace(a *Tensor, v float64) *Tensor {
	withScalar(a, v, func(c lib.Cscalar) {
		callInPlace("add_", func(out *lib.Ctensor) { lib.AtgAddScalar_(out, a.c, c) }, a)
	})
	return a
}

// Mul returns a * b.
func Mul(s *Scope, a, b *Tensor) *Tensor {
	return call(s, "mul", func(out *lib.Ctensor) { lib.AtgMul(out, a.c, b.c) }, a, b)
}

// Sub returns a - b.
func Sub(s *Scope, a, b *Tensor) *Tensor {
	return call(s, "sub", func(out *lib.Ctensor) { lib.AtgSub(out, a.c, b.c) }, a, b)
}

// RoundInPlace rounds every element to the nearest integer, halves to even.
func RoundInPlace(t *Tensor) *Tensor {
	return callInPlace("round_", func(out *lib.Ctensor) { lib.AtgRound_(out, t.c) }, t)
}

// Div returns a / b, broadcast.
func Div(s *Scope, a, b *Tensor) *Tensor {
	return call(s, "div", func(out *lib.Ctensor) { lib.AtgDiv(out, a.c, b.c) }, a, b)
}

// MulScalar returns a * v.
func MulScalar(s *Scope, a *Tensor, v float64) (t *Tensor) {
	withScalar(a, v, func(c lib.Cscalar) {
		t = call(s, "mul", func(out *lib.Ctensor) { lib.AtgMulScalar(out, a.c, c) }, a)
	})
	return t
}

// MulScalarInPlace is a *= v.
func MulScalarInPlace(a *Tensor, v float64) *Tensor {
	withScalar(a, v, func(c lib.Cscalar) {
		callInPlace("mul_", func(out *lib.Ctensor) { lib.AtgMulScalar_(out, a.c, c) }, a)
	})
	return a
}

// Matmul returns the matrix product, as torch.matmul.
func Matmul(s *Scope, a, b *Tensor) *Tensor {
	return call(s, "matmul", func(out *lib.Ctensor) { lib.AtgMatmul(out, a.c, b.c) }, a, b)
}

// Sum returns the sum of all elements, a scalar; int64 for bool and integer elements.
func Sum(s *Scope, t *Tensor) *Tensor {
	dtype := t.DType()
	if dtype == Bool || dtype == Uint8 || dtype == Int32 {
		dtype = Int64
	}
	return call(s, "sum", func(out *lib.Ctensor) { lib.AtgSum(out, t.c, int32(dtype)) }, t)
}

// Equal returns a bool tensor: a == b, element by element.
func Equal(s *Scope, a, b *Tensor) *Tensor {
	return call(s, "eq", func(out *lib.Ctensor) { lib.AtgEqTensor(out, a.c, b.c) }, a, b)
}

// Argmax returns the int64 indices of the largest elements along dim, the first if several are equal, with that
// dimension removed.
func Argmax(s *Scope, t *Tensor, dim int64) *Tensor {
	return call(s, "argmax", func(out *lib.Ctensor) { lib.AtgArgmax(out, t.c, dim, 0, 0) }, t)
}

// Softmax returns exp(t) / sum(exp(t)) along dim.
func Softmax(s *Scope, t *Tensor, dim int64) *Tensor {
	return call(s, "softmax", func(out *lib.Ctensor) { lib.AtgSoftmax(out, t.c, dim, int32(t.DType())) }, t)
}

// ErfinvInPlace replaces every element by its inverse error function.
func ErfinvInPlace(t *Tensor) *Tensor {
	return callInPlace("erfinv_", func(out *lib.Ctensor) { lib.AtgErfinv_(out, t.c) }, t)
}

// ClampInPlace moves every element into [low, high].
func ClampInPlace(t *Tensor, low, high float64) *Tensor {
	withScalar(t, low, func(l lib.Cscalar) {
		withScalar(t, high, func(h lib.Cscalar) {
			callInPlace("clamp_", func(out *lib.Ctensor) { lib.AtgClamp_(out, t.c, l, h) }, t)
		})
	})
	return t
}
