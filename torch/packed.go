package torch

// #include "shim.h"
import "C"

import (
	"context"
	"runtime"
	"unsafe"

	"golang.org/x/sys/cpu"

	"hymenoptera/internal/machine"
)

// A PackedConv is a convolution with constant weights, in oneDNN's layout for one size of input. It works on the CPU,
// without autograd.
type PackedConv struct {
	weight, bias    *Tensor
	stride, padding int64
}

// PackConv prepares weight K×C×R×S and bias K for inputs of the shape N×C×H×W. s owns the packed weights; bias
// must live as long.
func PackConv(s *Scope, weight, bias *Tensor, stride, padding int64, input [4]int64) *PackedConv {
	packed := callShim(s, "pack conv", func(out *unsafe.Pointer) *C.char {
		return C.hy_pack_conv(weight.handle(), C.int64_t(stride), C.int64_t(padding), (*C.int64_t)(&input[0]), out)
	}, weight)
	return &PackedConv{packed, bias, stride, padding}
}

// Forward convolves x, in channels-last memory, adds the bias and, where relu is set, takes the result's
// positive part, in one pass.
func (p *PackedConv) Forward(s *Scope, x *Tensor, relu bool) *Tensor {
	return callShim(s, "packed conv", func(out *unsafe.Pointer) *C.char {
		return C.hy_packed_conv(x.handle(), p.weight.handle(), p.bias.handle(), nil, C.int64_t(p.stride), C.int64_t(p.padding), C.int(cBool(relu)), out)
	}, x)
}

// ForwardAdd is Forward with other added before the positive part is taken. The result overwrites other.
func (p *PackedConv) ForwardAdd(s *Scope, x, other *Tensor, relu bool) *Tensor {
	return callShim(s, "packed conv with sum", func(out *unsafe.Pointer) *C.char {
		return C.hy_packed_conv(x.handle(), p.weight.handle(), p.bias.handle(), other.handle(), C.int64_t(p.stride), C.int64_t(p.padding), C.int(cBool(relu)), out)
	}, x, other)
}

// MultipliesBFloat16 reports whether a device has instructions that multiply bfloat16 and libtorch may use them:
// ONEDNN_MAX_CPU_ISA can forbid it. Without them bfloat16 is slower than float32.
func MultipliesBFloat16(d Device) bool {
	if d != CPU {
		return true
	}
	able := cpu.X86.HasAVX512BF16 || cpu.X86.HasAMXBF16
	if runtime.GOARCH == "arm64" {
		able = machine.This().NEONBFloat16()
	}
	if !able {
		return false
	}
	return Do(context.Background(), func(s *Scope) error {
		one := Zeros(s, BFloat16, CPU, 1, 1, 1, 1)
		PackConv(s, one, one, 1, 0, [4]int64{1, 1, 1, 1})
		return nil
	}) == nil
}
