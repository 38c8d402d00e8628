package torch

// #include "shim.h"
import "C"

import "unsafe"

// ChannelsLast returns x N×C×H×W with its memory in the order N, H, W, C: x itself if it has that order.
func ChannelsLast(s *Scope, x *Tensor) *Tensor {
	return callShim(s, "channels_last", func(out *unsafe.Pointer) *C.char { return C.hy_channels_last(x.handle(), out) }, x)
}

// ChannelsLastInPlace is ChannelsLast for t itself, which keeps its identity.
func ChannelsLastInPlace(t *Tensor) {
	setData(t, func(s *Scope) *Tensor { return ChannelsLast(s, t) })
}
