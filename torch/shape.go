package torch

// #include "shim.h"
import "C"

import (
	"unsafe"

	lib "github.com/sugarme/gotch/libtch"
)

// Clone returns a copy of t's data on the same device.
func Clone(s *Scope, t *Tensor) *Tensor {
	return callShim(s, "clone", func(out *unsafe.Pointer) *C.char { return C.hy_clone(t.handle(), out) }, t)
}

// Contiguous returns t if it is contiguous, else a contiguous copy.
func Contiguous(s *Scope, t *Tensor) *Tensor {
	return call(s, "contiguous", func(out *lib.Ctensor) { lib.AtgContiguous(out, t.c) }, t)
}

// To returns t on device: another handle of the same data if t is there already.
func To(s *Scope, t *Tensor, device Device) *Tensor {
	return call(s, "to", func(out *lib.Ctensor) { lib.AtgTo(out, t.c, int32(device.Index())) }, t)
}

// MoveInPlace moves t's data to device; t keeps its identity, like a parameter in Module.to.
func MoveInPlace(t *Tensor, device Device) {
	if t.Device() != device {
		setData(t, func(s *Scope) *Tensor { return To(s, t, device) })
	}
}

// setData replaces the tensor behind t's handle by the result of f.
func setData(t *Tensor, f func(s *Scope) *Tensor) {
	s := NewScope()
	defer s.Close()
	NoGrad(func() { checkShim(C.hy_set_data(t.handle(), f(s).handle()), "set_data", t) })
}

// CopyInPlace copies src into dst, across devices and element types; shapes must broadcast.
func CopyInPlace(dst, src *Tensor) *Tensor {
	use("copy_", dst, src)
	lib.AtCopy_(dst.c, src.c)
	check("copy_", dst, src)
	return dst
}

// FillInPlace sets every element to v.
func FillInPlace(t *Tensor, v float64) *Tensor {
	withScalar(t, v, func(c lib.Cscalar) {
		callInPlace("fill_", func(out *lib.Ctensor) { lib.AtgFill_(out, t.c, c) }, t)
	})
	return t
}

// Reshape returns t's elements in another shape; one dimension may be -1, which is computed from the others.
func Reshape(s *Scope, t *Tensor, shape ...int64) *Tensor {
	return call(s, "reshape", func(out *lib.Ctensor) { lib.AtgReshape(out, t.c, shape, len(shape)) }, t)
}

// ToDType returns t with elements of another type: t itself if it has that type.
func ToDType(s *Scope, t *Tensor, dtype DType) *Tensor {
	return call(s, "to("+dtype.String()+")", func(out *lib.Ctensor) { lib.AtgToDtype(out, t.c, int32(dtype), 0, 0) }, t)
}

// Flatten merges the dimensions from start on into one.
func Flatten(s *Scope, t *Tensor, start int64) *Tensor {
	return call(s, "flatten", func(out *lib.Ctensor) { lib.AtgFlatten(out, t.c, start, -1) }, t)
}

// Narrow returns a view of length elements of t along dim, from start on.
func Narrow(s *Scope, t *Tensor, dim, start, length int64) *Tensor {
	return call(s, "narrow", func(out *lib.Ctensor) { lib.AtgNarrow(out, t.c, dim, start, length) }, t)
}

// Permute returns a view of t with its dimensions in another order.
func Permute(s *Scope, t *Tensor, order ...int64) *Tensor {
	return call(s, "permute", func(out *lib.Ctensor) { lib.AtgPermute(out, t.c, order, len(order)) }, t)
}

// Flip returns t with the order of the elements along dim reversed.
func Flip(s *Scope, t *Tensor, dim int64) *Tensor {
	return call(s, "flip", func(out *lib.Ctensor) { lib.AtgFlip(out, t.c, []int64{dim}, 1) }, t)
}

// Cat joins tensors along dim.
func Cat(s *Scope, dim int64, ts ...*Tensor) *Tensor {
	use("cat", ts...)
	if len(ts) == 0 {
		fail("cat", "there are no tensors to join")
	}
	handles := make([]lib.Ctensor, len(ts), len(ts)+1)
	for i, t := range ts {
		handles[i] = t.c
	}
	return call(s, "cat", func(out *lib.Ctensor) { lib.AtgCat(out, handles[:len(ts):cap(handles)], len(ts), dim) }, ts...)
}
