package zoo

import (
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
)

// convBN is a convolution with the BatchNorm behind it, or the two folded into one operation.
type convBN struct {
	conv   *nn.Conv2d
	bn     *nn.BatchNorm2d
	folded *nn.FoldedConv // nil while it is trained
}

func newConvBN(s *torch.Scope, cfg nn.Conv2dConfig, eps float64) convBN {
	return convBN{conv: nn.NewConv2d(s, cfg), bn: nn.NewBatchNorm2d(s, cfg.Out, eps)}
}

func (c convBN) fold(s *torch.Scope, dtype torch.DType) convBN {
	c.folded = nn.Fold(s, c.conv, c.bn, dtype)
	return c
}

// forward returns the normalised convolution of x.
func (c convBN) forward(s *torch.Scope, x *torch.Tensor) *torch.Tensor {
	if c.folded != nil {
		return c.folded.Forward(s, x, false)
	}
	return c.bn.Forward(s, c.conv.Forward(s, x))
}

// forwardReLU returns the positive part of forward.
func (c convBN) forwardReLU(s *torch.Scope, x *torch.Tensor) *torch.Tensor {
	if c.folded != nil {
		return c.folded.Forward(s, x, true)
	}
	return torch.ReLUInPlace(c.bn.Forward(s, c.conv.Forward(s, x)))
}

// forwardAddReLU returns the positive part of the normalised convolution plus other's result, which a folded convBN
// overwrites. As in torchvision, other is called last: the order of the forward pass determines the order of the gradients,
// and with several processes that in which they are summed.
func (c convBN) forwardAddReLU(s *torch.Scope, x *torch.Tensor, other func() *torch.Tensor) *torch.Tensor {
	if c.folded != nil {
		return c.folded.ForwardAdd(s, x, other())
	}
	y := c.bn.Forward(s, c.conv.Forward(s, x))
	return torch.ReLUInPlace(torch.AddInPlace(y, other()))
}
