package nn

import (
	"math"

	"hymenoptera/torch"
)

// Linear is torch.nn.Linear with a bias.
type Linear struct {
	Weight *torch.Tensor // out×in
	Bias   *torch.Tensor // out
}

// NewLinear returns a layer with PyTorch's default initialisation: weight first, one word of the
// generator per element, then bias.
func NewLinear(s *torch.Scope, in, out int64) *Linear {
	return &Linear{
		Weight: uniform(s, kaimingBound(in), out, in),
		Bias:   uniform(s, 1/math.Sqrt(float64(in)), out),
	}
}

// Forward maps x N×in to N×out.
func (l *Linear) Forward(s *torch.Scope, x *torch.Tensor) *torch.Tensor {
	return torch.Linear(s, x, l.Weight, l.Bias)
}

// In returns the number of input features.
func (l *Linear) In() int64 { return l.Weight.Shape()[1] }

// Out returns the number of output features.
func (l *Linear) Out() int64 { return l.Weight.Shape()[0] }

// Tensors implements Owner.
func (l *Linear) Tensors() []Entry {
	return []Entry{{"weight", l.Weight, true}, {"bias", l.Bias, true}}
}
