package zoo

import (
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
)

// An Embedding is a network without its head.
type Embedding struct {
	net Network `nn:"-"` // its children are the embedding's
}

// Embed returns net without its head, for features that are computed once. [Network.Top] computes logits from them.
func Embed(net Network) Embedding { return Embedding{net} }

// Forward returns vectors N×C for images N×3×H×W: the last feature maps' means.
func (e Embedding) Forward(s *torch.Scope, x *torch.Tensor) *torch.Tensor {
	return pool(s, e.net.(parts).Features(s, x))
}

// Children implements nn.Parent.
func (e Embedding) Children() []nn.Child { return e.net.Children() }

// Fold returns the embedding of the folded network.
func (e Embedding) Fold(s *torch.Scope, dtype torch.DType) nn.Module {
	return foldedEmbedding{e.net.Fold(s, dtype).(folded)}
}

type foldedEmbedding struct{ folded }

// Forward returns vectors in float32 for images x N×3×H×W.
func (f foldedEmbedding) Forward(s *torch.Scope, x *torch.Tensor) *torch.Tensor {
	return pool(s, torch.ToDType(s, f.Features(s, x), torch.Float32))
}

// pool returns the means N×C of feature maps N×C×H×W.
func pool(s *torch.Scope, x *torch.Tensor) *torch.Tensor {
	return torch.Flatten(s, torch.AdaptiveAvgPool2d(s, x, 1), 1)
}

// A Wide is a network without its head, for features of its last two stages. If the network was trained on other pictures, a
// linear layer on them is better than one on the last stage only.
type Wide struct {
	net Network `nn:"-"` // its children are Wide's
}

// Widen returns net without its head.
func Widen(net Network) Wide { return Wide{net} }

// Forward returns vectors N×(C₁+C₂) for images N×3×H×W: the means of the feature maps of the last two stages.
func (w Wide) Forward(s *torch.Scope, x *torch.Tensor) *torch.Tensor {
	net := w.net.(interface {
		middle(s *torch.Scope, x *torch.Tensor) *torch.Tensor
		deepen(s *torch.Scope, x *torch.Tensor) *torch.Tensor
	})
	x = net.middle(s, x)
	return torch.Cat(s, 1, pool(s, x), pool(s, net.deepen(s, x)))
}

// Children implements nn.Parent.
func (w Wide) Children() []nn.Child { return w.net.Children() }
