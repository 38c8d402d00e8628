package torch

// #include "shim.h"
import "C"

import (
	"unsafe"

	lib "github.com/sugarme/gotch/libtch"
)

// ManualSeed seeds libtorch's default generators, as torch.manual_seed.
func ManualSeed(seed uint64) {
	use("manual_seed")
	checkShim(C.hy_manual_seed(C.uint64_t(seed)), "manual_seed")
}

// Generator is libtorch's default CPU generator: the stream from which PyTorch draws initial weights,
// dropout masks on the CPU, and the seeds of its data loaders. Use it inside [Do].
type Generator struct{}

// Uint32 returns the next 32-bit word.
func (Generator) Uint32() uint32 {
	use("random")
	var word C.uint32_t
	checkShim(C.hy_random_u32(&word), "random")
	return uint32(word)
}

// RNGState returns the state of a device's default generator, as torch.get_rng_state and torch.cuda.get_rng_state do:
// bytes N on the CPU.
func RNGState(s *Scope, device Device) *Tensor {
	return callShim(s, "get_rng_state", func(out *unsafe.Pointer) *C.char {
		return C.hy_get_rng_state(C.int(device.Index()), out)
	})
}

// SetRNGState sets the state of a device's default generator, as torch.set_rng_state and torch.cuda.set_rng_state do. It
// fails if state, bytes N on the CPU, is not a state that RNGState returns.
func SetRNGState(device Device, state *Tensor) {
	use("set_rng_state", state)
	checkShim(C.hy_set_rng_state(C.int(device.Index()), state.handle()), "set_rng_state", state)
}

// UniformInPlace fills t from the uniform distribution on [low, high), row-major, from the default
// generator.
func UniformInPlace(t *Tensor, low, high float64) *Tensor {
	return callInPlace("uniform_", func(out *lib.Ctensor) { lib.AtgUniform_(out, t.c, low, high) }, t)
}

// NormalInPlace fills t from the normal distribution, from the default generator.
func NormalInPlace(t *Tensor, mean, std float64) *Tensor {
	return callInPlace("normal_", func(out *lib.Ctensor) { lib.AtgNormal_(out, t.c, mean, std) }, t)
}
