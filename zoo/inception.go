package zoo

import (
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
)

// googLeNetEps is the epsilon of every BatchNorm of GoogLeNet.
const googLeNetEps = 0.001

// basicConv is torchvision's BasicConv2d: a convolution, BatchNorm and ReLU.
type basicConv struct{ convBN }

func newBasicConv(s *torch.Scope, cfg nn.Conv2dConfig) *basicConv {
	return &basicConv{newConvBN(s, cfg, googLeNetEps)}
}

func (b *basicConv) Forward(s *torch.Scope, x *torch.Tensor) *torch.Tensor {
	return s.Tidy(func(s *torch.Scope) *torch.Tensor { return b.forwardReLU(s, x) })
}

func (b *basicConv) Children() []nn.Child {
	return []nn.Child{{Name: "conv", Module: b.conv}, {Name: "bn", Module: b.bn}}
}

// An inception module joins four branches over the channels.
type inception struct {
	branch1                   *basicConv
	branch2, branch3, branch4 nn.Sequential
}

func newInception(s *torch.Scope, shape [7]int64) *inception {
	one := func(in, out int64) *basicConv {
		return newBasicConv(s, nn.Conv2dConfig{In: in, Out: out, Kernel: 1, Stride: 1})
	}
	three := func(in, out int64) *basicConv {
		return newBasicConv(s, nn.Conv2dConfig{In: in, Out: out, Kernel: 3, Stride: 1, Padding: 1})
	}
	in := shape[0]
	return &inception{
		branch1: one(in, shape[1]),
		branch2: nn.Sequential{one(in, shape[2]), three(shape[2], shape[3])},
		branch3: nn.Sequential{one(in, shape[4]), three(shape[4], shape[5])},
		branch4: nn.Sequential{nn.MaxPool2d{Kernel: 3, Stride: 1, Padding: 1, CeilMode: true}, one(in, shape[6])},
	}
}

// Forward maps N×C×H×W to N×C'×H×W.
func (m *inception) Forward(s *torch.Scope, x *torch.Tensor) *torch.Tensor {
	return s.Tidy(func(s *torch.Scope) *torch.Tensor {
		return torch.Cat(s, 1, m.branch1.Forward(s, x), m.branch2.Forward(s, x), m.branch3.Forward(s, x), m.branch4.Forward(s, x))
	})
}

func (m *inception) Children() []nn.Child {
	return []nn.Child{
		{Name: "branch1", Module: m.branch1}, {Name: "branch2", Module: m.branch2},
		{Name: "branch3", Module: m.branch3}, {Name: "branch4", Module: m.branch4},
	}
}

// auxHead is torchvision's InceptionAux. Published weights hold two; training as the notebook does drops
// them.
type auxHead struct {
	conv     *basicConv
	fc1, fc2 *nn.Linear
	dropout  *nn.Dropout
}

func newAuxHead(s *torch.Scope, in, classes int64) *auxHead {
	return &auxHead{
		conv: newBasicConv(s, nn.Conv2dConfig{In: in, Out: 128, Kernel: 1, Stride: 1}),
		fc1:  nn.NewLinear(s, 2048, 1024), fc2: nn.NewLinear(s, 1024, classes),
		dropout: nn.NewDropout(0.7),
	}
}

// Forward returns auxiliary logits N×classes for N×in×H×W.
func (a *auxHead) Forward(s *torch.Scope, x *torch.Tensor) *torch.Tensor {
	x = a.conv.Forward(s, torch.AdaptiveAvgPool2d(s, x, 4))         // N×128×4×4
	x = torch.ReLUInPlace(a.fc1.Forward(s, torch.Flatten(s, x, 1))) // N×1024
	return a.fc2.Forward(s, a.dropout.Forward(s, x))                // N×classes
}

func (a *auxHead) Children() []nn.Child {
	return []nn.Child{
		{Name: "conv", Module: a.conv}, {Name: "fc1", Module: a.fc1}, {Name: "fc2", Module: a.fc2},
		{Name: "dropout", Module: a.dropout},
	}
}
