package classify

import (
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
)

// mirrored is a network that sees every picture twice: unchanged and mirrored left to right.
type mirrored struct{ net nn.Module }

// Forward returns the mean of both logits N×classes for images x N×3×H×W.
func (m mirrored) Forward(s *torch.Scope, x *torch.Tensor) *torch.Tensor {
	y := m.net.Forward(s, x)
	z := m.net.Forward(s, torch.Flip(s, x, 3))
	return torch.DivScalarInPlace(torch.Add(s, y, z), 2)
}

// Children implements nn.Parent.
func (m mirrored) Children() []nn.Child { return []nn.Child{{Name: "net", Module: m.net}} }
