package torch

import (
	"slices"
	"unsafe"

	lib "github.com/sugarme/gotch/libtch"
)

// Bytes returns t's memory itself, valid until t is freed. t must be contiguous and on the CPU.
func Bytes(t *Tensor) []byte {
	n := t.Numel() * t.DType().Size()
	if t.Device() != CPU || !lib.AtIsContiguous(t.c) {
		fail("bytes("+t.String()+")", "only a contiguous tensor on the CPU has bytes that Go can see")
	}
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(lib.AtDataPtr(t.c)), n)
}

// Float32View returns the memory of a float32 tensor itself, as [Bytes] does.
func Float32View(t *Tensor) []float32 { return view[float32](t, Float32) }

// Int64View returns the memory of an int64 tensor itself, as [Bytes] does.
func Int64View(t *Tensor) []int64 { return view[int64](t, Int64) }

// Float32s returns a copy of t's elements, row-major, from any device.
func Float32s(s *Scope, t *Tensor) []float32 {
	c := s.Child()
	defer c.Close()
	return slices.Clone(Float32View(Contiguous(c, To(c, Detach(c, t), CPU))))
}

// Item returns the value of a tensor with one element. It waits for the tensor's device.
func Item(t *Tensor) float64 {
	if n := t.Numel(); n != 1 {
		fail("item("+t.String()+")", "want one element, got %d", n)
	}
	zeros := make([]int64, max(1, len(t.Shape())))
	v := lib.AtDoubleValueAtIndexes(t.c, unsafe.Pointer(&zeros[0]), len(t.Shape()))
	check("item", t)
	return v
}

func view[T float32 | int64](t *Tensor, dtype DType) []T {
	if got := t.DType(); got != dtype {
		fail("view("+t.String()+")", "want %v elements", dtype)
	}
	b := Bytes(t)
	if len(b) == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(&b[0])), len(b)/dtype.Size())
}
