package zoo

import (
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
)

// folded is a network for inference whose BatchNorms are part of their convolutions. It has no state dict.
type folded struct {
	parts `nn:"-"`
}

// parts are a network's two halves.
type parts interface {
	Features(s *torch.Scope, x *torch.Tensor) *torch.Tensor
	Classify(s *torch.Scope, x *torch.Tensor) *torch.Tensor
}

// Forward returns logits N×classes for images x N×3×H×W. Features may have a shorter type, the head has not.
func (f folded) Forward(s *torch.Scope, x *torch.Tensor) *torch.Tensor {
	return f.Classify(s, torch.ToDType(s, f.Features(s, x), torch.Float32))
}

// Fold implements Network.
func (r *ResNet) Fold(s *torch.Scope, dtype torch.DType) nn.Module {
	f := *r
	f.stem = r.stem.fold(s, dtype)
	for i, layer := range r.layers {
		f.layers[i] = nil
		for _, m := range layer {
			f.layers[i] = append(f.layers[i], m.(*block).fold(s, dtype))
		}
	}
	return folded{&f}
}

func (b *block) fold(s *torch.Scope, dtype torch.DType) *block {
	f := &block{out: b.out}
	for _, c := range b.convs {
		f.convs = append(f.convs, c.fold(s, dtype))
	}
	if b.downsample != nil {
		c := b.downsample.fold(s, dtype)
		f.downsample = &c
	}
	return f
}

// Fold implements Network.
func (g *GoogLeNet) Fold(s *torch.Scope, dtype torch.DType) nn.Module {
	f := *g
	for _, c := range []**basicConv{&f.conv1, &f.conv2, &f.conv3} {
		*c = (*c).fold(s, dtype)
	}
	for i, m := range g.inceptions {
		f.inceptions[i] = &inception{m.branch1.fold(s, dtype), foldAll(s, m.branch2, dtype), foldAll(s, m.branch3, dtype), foldAll(s, m.branch4, dtype)}
	}
	return folded{&f}
}

func (b *basicConv) fold(s *torch.Scope, dtype torch.DType) *basicConv {
	return &basicConv{b.convBN.fold(s, dtype)}
}

// foldAll folds the convolutions of a branch; its pool stays as it is.
func foldAll(s *torch.Scope, q nn.Sequential, dtype torch.DType) (f nn.Sequential) {
	for _, m := range q {
		if c, ok := m.(*basicConv); ok {
			m = c.fold(s, dtype)
		}
		f = append(f, m)
	}
	return f
}
