package torch

// #include "shim.h"
import "C"

import (
	"fmt"
	"unsafe"

	lib "github.com/sugarme/gotch/libtch"
)

// A DType is the type of a tensor's elements, with libtorch's number for it.
type DType int32

// The element types that this module uses (c10/core/ScalarType.h).
const (
	Uint8    DType = 0
	Int32    DType = 3
	Int64    DType = 4
	Float16  DType = 5
	Float32  DType = 6
	Float64  DType = 7
	Bool     DType = 11
	BFloat16 DType = 15
)

// String returns PyTorch's name without "torch.".
func (d DType) String() string {
	switch d {
	case Uint8:
		return "uint8"
	case Int32:
		return "int32"
	case Int64:
		return "int64"
	case Float16:
		return "float16"
	case Float32:
		return "float32"
	case Float64:
		return "float64"
	case Bool:
		return "bool"
	case BFloat16:
		return "bfloat16"
	}
	return fmt.Sprintf("dtype(%d)", int32(d))
}

// Size returns the bytes of one element.
func (d DType) Size() int {
	switch d {
	case Uint8, Bool:
		return 1
	case Float16, BFloat16:
		return 2
	case Int32, Float32:
		return 4
	}
	return 8
}

// A Tensor is a handle of a libtorch tensor. It belongs to a scope, or to the caller of Keep.
type Tensor struct {
	c     lib.Ctensor // nil once freed
	owner *Scope
}

// wrap returns a tensor for a new handle, owned by s.
func wrap(s *Scope, c lib.Ctensor) *Tensor {
	live.Add(1)
	t := &Tensor{c: c}
	s.own(t)
	return t
}

// Free frees t now, whichever scope owns it. Freeing twice is harmless.
func (t *Tensor) Free() {
	if t.c == nil {
		return
	}
	lib.AtFree(t.c)
	t.c, t.owner = nil, nil
	live.Add(-1)
}

// use fails unless every operand is alive and the caller is on libtorch's thread.
func use(op string, operands ...*Tensor) {
	if !onThread() {
		panic("torch: " + op + " was called outside torch.Do")
	}
	for i, t := range operands {
		switch {
		case t == nil:
			fail(op, "operand %d is nil", i)
		case t.c == nil:
			fail(op, "operand %d was freed: its scope is closed", i)
		}
	}
}

// call runs one of gotch's functions, which writes the handle of its result to out.
func call(s *Scope, op string, f func(out *lib.Ctensor), operands ...*Tensor) *Tensor {
	use(op, operands...)
	var out lib.Ctensor
	f(&out)
	check(op, operands...)
	return wrap(s, out)
}

// callInPlace does the same for a function that changes its first operand. It frees the second handle that gotch returns.
func callInPlace(op string, f func(out *lib.Ctensor), operands ...*Tensor) *Tensor {
	use(op, operands...)
	var out lib.Ctensor
	f(&out)
	check(op, operands...)
	lib.AtFree(out)
	return operands[0]
}

// Shape returns the sizes of t's dimensions; empty for a scalar.
func (t *Tensor) Shape() []int64 {
	use("shape", t)
	shape := make([]int64, lib.AtDim(t.c))
	if len(shape) > 0 {
		lib.AtShape(t.c, unsafe.Pointer(&shape[0]))
	}
	return shape
}

// Numel returns the number of elements.
func (t *Tensor) Numel() int {
	n := 1
	for _, d := range t.Shape() {
		n *= int(d)
	}
	return n
}

// DType returns the type of t's elements.
func (t *Tensor) DType() DType {
	use("dtype", t)
	return DType(lib.AtScalarType(t.c))
}

// Device returns the device of t's memory. gotch's own function is wrong: it reads 8 bytes of a C int.
func (t *Tensor) Device() Device {
	use("device", t)
	return CUDA(int(C.hy_device(t.handle()))) // -1 is the CPU
}

// String returns type and shape, "float32[2 3]".
func (t *Tensor) String() string { return fmt.Sprintf("%v%v", t.DType(), t.Shape()) }
