package nn

import (
	"strconv"

	"hymenoptera/torch"
)

// Sequential is torch.nn.Sequential: modules one after another, named "0", "1", ….
type Sequential []Module

// Forward passes x through every module in order.
func (q Sequential) Forward(s *torch.Scope, x *torch.Tensor) *torch.Tensor {
	for _, m := range q {
		x = m.Forward(s, x)
	}
	return x
}

// Children returns the modules under their indices.
func (q Sequential) Children() []Child {
	cs := make([]Child, len(q))
	for i, m := range q {
		cs[i] = Child{strconv.Itoa(i), m}
	}
	return cs
}
