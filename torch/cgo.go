package torch

// #include "shim.h"
import "C"

import (
	"unsafe"

	lib "github.com/sugarme/gotch/libtch"
)

// Handle returns libtorch's at::Tensor*, for a package with its own C++. It is valid until t is freed.
func (t *Tensor) Handle() unsafe.Pointer {
	use("handle", t)
	return t.handle()
}

// Own makes s the owner of an at::Tensor* that such a package has created.
func Own(s *Scope, handle unsafe.Pointer) *Tensor { return wrap(s, lib.Ctensor(handle)) }

// handle is t's handle as shim.cc takes it; nil for a nil tensor.
func (t *Tensor) handle() unsafe.Pointer { return unsafe.Pointer(t.c) }

// Handles returns the handles of at least one tensor as an array for C, as Handle does.
func Handles(ts []*Tensor) *unsafe.Pointer {
	hs := make([]unsafe.Pointer, len(ts))
	for i, t := range ts {
		hs[i] = t.Handle()
	}
	return &hs[0]
}

// optional returns the handle of an operand that may be nil.
func optional(t *Tensor) lib.Ctensor {
	if t == nil {
		return nil
	}
	return t.c
}

func cPointer(s *C.char) unsafe.Pointer { return unsafe.Pointer(s) }

func cBool(b bool) int {
	if b {
		return 1
	}
	return 0
}

func cBool32(b bool) int32 { return int32(cBool(b)) }

// withScalar calls f with v as libtorch's Scalar, and frees it afterwards. If t holds integers, v becomes one, because
// libtorch adds no float to them in place.
func withScalar(t *Tensor, v float64, f func(lib.Cscalar)) {
	use("scalar", t)
	var c lib.Cscalar
	switch t.DType() {
	case Uint8, Int32, Int64:
		c = lib.AtsInt(int64(v))
	default:
		c = lib.AtsFloat(v)
	}
	defer lib.AtsFree(c)
	f(c)
}

// callShim calls a function of shim.cc that returns a tensor.
func callShim(s *Scope, op string, f func(out *unsafe.Pointer) *C.char, operands ...*Tensor) *Tensor {
	use(op, operands...)
	var out unsafe.Pointer
	checkShim(f(&out), op, operands...)
	return wrap(s, lib.Ctensor(out))
}
