package torch

// #include "shim.h"
import "C"

import (
	"unsafe"

	lib "github.com/sugarme/gotch/libtch"
)

// ChannelsLast returns x N×C×H×W with its memory in the order N, H, W, C: x itself where it is so already.
func ChannelsLast(s *Scope, x *Tensor) *Tensor {
	return callShim(s, "channels_last", func(out *unsafe.Pointer) *C.char { return C.hy_channels_last(x.handle(), out) }, x)
}

// ChannelsLastInPlace does the same to t itself, which keeps its identity.
func ChannelsLastInPlace(t *Tensor) {
	setData(t, func(s *Scope) *Tensor { return ChannelsLast(s, t) })
}

// Permute returns a view of t with its dimensions in another order.
func Permute(s *Scope, t *Tensor, order ...int64) *Tensor {
	return call(s, "permute", func(out *lib.Ctensor) { lib.AtgPermute(out, t.c, order, len(order)) }, t)
}
