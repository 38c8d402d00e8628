package torch

import (
	"fmt"
	"unsafe"

	lib "github.com/sugarme/gotch/libtch"
)

// Empty returns an uninitialised tensor.
func Empty(s *Scope, dtype DType, device Device, shape ...int64) *Tensor {
	return call(s, creation("empty", dtype, shape), func(out *lib.Ctensor) {
		lib.AtgEmpty(out, dims(shape), len(shape), int32(dtype), int32(device.Index()))
	})
}

// Zeros returns a tensor of zeros.
func Zeros(s *Scope, dtype DType, device Device, shape ...int64) *Tensor {
	return call(s, creation("zeros", dtype, shape), func(out *lib.Ctensor) {
		lib.AtgZeros(out, dims(shape), len(shape), int32(dtype), int32(device.Index()))
	})
}

// Ones returns a tensor of ones.
func Ones(s *Scope, dtype DType, device Device, shape ...int64) *Tensor {
	return FillInPlace(Empty(s, dtype, device, shape...), 1)
}

// FromFloat32s returns a float32 tensor on the CPU with a copy of data, row-major.
func FromFloat32s(s *Scope, data []float32, shape ...int64) *Tensor {
	return fromSlice(s, Float32, data, shape)
}

// FromInt64s returns an int64 tensor on the CPU with a copy of data, row-major.
func FromInt64s(s *Scope, data []int64, shape ...int64) *Tensor {
	return fromSlice(s, Int64, data, shape)
}

// FromBytes returns a tensor on the CPU with a copy of data: little-endian elements, row-major.
func FromBytes(s *Scope, dtype DType, data []byte, shape ...int64) *Tensor {
	t := Empty(s, dtype, CPU, shape...)
	if n := t.Numel() * dtype.Size(); n != len(data) {
		fail(t.String(), "has %d bytes, data has %d", n, len(data))
	}
	copy(Bytes(t), data)
	return t
}

func fromSlice[T float32 | int64](s *Scope, dtype DType, data []T, shape []int64) *Tensor {
	t := Empty(s, dtype, CPU, shape...)
	if t.Numel() != len(data) {
		fail(t.String(), "has %d elements, data has %d", t.Numel(), len(data))
	}
	if len(data) > 0 {
		copy(unsafe.Slice((*T)(lib.AtDataPtr(t.c)), len(data)), data)
	}
	return t
}

// creation describes an operation without operands.
func creation(op string, dtype DType, shape []int64) string {
	return fmt.Sprintf("%s(%v%v)", op, dtype, shape)
}

// dims returns a slice whose first element exists, as gotch takes its address.
func dims(shape []int64) []int64 {
	if len(shape) == 0 {
		return []int64{0}
	}
	return shape
}
