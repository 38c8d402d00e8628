package zoo

import (
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
)

// ResNet is torchvision.models.resnet: He et al., "Deep Residual Learning for Image Recognition", 2015,
// with the stride of a bottleneck in its 3×3 convolution, as in torchvision.
type ResNet struct {
	stem   convBN
	layers [4]nn.Sequential
	fc     *nn.Linear
}

// resNetEps is the epsilon of every BatchNorm, PyTorch's default.
const resNetEps = 1e-5

// newResNet returns a network with random weights: depths counts the blocks of each layer.
func newResNet(s *torch.Scope, depths [4]int, bottleneck bool, classes int64) *ResNet {
	r := &ResNet{
		stem: newConvBN(s, nn.Conv2dConfig{In: 3, Out: 64, Kernel: 7, Stride: 2, Padding: 3}, resNetEps),
	}
	in := int64(64)
	for i, depth := range depths {
		planes, stride := int64(64)<<i, int64(2)
		if i == 0 {
			stride = 1
		}
		for range depth {
			b := newBlock(s, in, planes, stride, bottleneck)
			r.layers[i] = append(r.layers[i], b)
			in, stride = b.out, 1
		}
	}
	r.fc = nn.NewLinear(s, in, classes)
	nn.Walk(r, func(m nn.Module) {
		if c, ok := m.(*nn.Conv2d); ok {
			c.KaimingNormalFanOut()
		}
	})
	return r
}

// Forward returns logits N×classes for images x N×3×H×W.
func (r *ResNet) Forward(s *torch.Scope, x *torch.Tensor) *torch.Tensor {
	return r.Classify(s, r.Features(s, x))
}

// Features returns the output of the last block for images x N×3×H×W. The shapes in the comments are for 224×224 and
// networks without bottlenecks.
func (r *ResNet) Features(s *torch.Scope, x *torch.Tensor) *torch.Tensor {
	return r.deepen(s, r.middle(s, x)) // N×512×7×7
}

// middle returns the feature maps before the last stage.
func (r *ResNet) middle(s *torch.Scope, x *torch.Tensor) *torch.Tensor {
	x = s.Tidy(func(s *torch.Scope) *torch.Tensor {
		x = r.stem.forwardReLU(s, x) // N×64×112×112
		return torch.MaxPool2d(s, x, 3, 2, 1, false)
	}) // N×64×56×56
	for _, layer := range r.layers[:len(r.layers)-1] { // N×64×56×56, N×128×28×28, N×256×14×14
		x = layer.Forward(s, x)
	}
	return x
}

// deepen is the last stage.
func (r *ResNet) deepen(s *torch.Scope, x *torch.Tensor) *torch.Tensor {
	return r.layers[len(r.layers)-1].Forward(s, x)
}

// Classify returns the logits N×classes of features.
func (r *ResNet) Classify(s *torch.Scope, x *torch.Tensor) *torch.Tensor {
	return r.fc.Forward(s, pool(s, x))
}

// Top implements Network.
func (r *ResNet) Top() nn.Module { return r.fc }

// Children implements nn.Parent.
func (r *ResNet) Children() []nn.Child {
	return []nn.Child{
		{Name: "conv1", Module: r.stem.conv}, {Name: "bn1", Module: r.stem.bn},
		{Name: "layer1", Module: r.layers[0]}, {Name: "layer2", Module: r.layers[1]},
		{Name: "layer3", Module: r.layers[2]}, {Name: "layer4", Module: r.layers[3]},
		{Name: "fc", Module: r.fc},
	}
}

// Stages implements Network.
func (r *ResNet) Stages() []nn.Module {
	return []nn.Module{nn.Sequential{r.stem.conv, r.stem.bn}, r.layers[0], r.layers[1], r.layers[2], r.layers[3], r.fc}
}

// Head implements Network.
func (r *ResNet) Head() *nn.Linear { return r.fc }

// SetHead implements Network.
func (r *ResNet) SetHead(fc *nn.Linear) { r.fc = fc }

// A block is torchvision's BasicBlock, two 3×3 convolutions, or its Bottleneck, 1×1, 3×3 and 1×1 to four
// times the planes; with a shortcut around them.
type block struct {
	convs      []convBN
	downsample *convBN // 1×1, if the shapes differ; else nil
	out        int64   // channels
}

func newBlock(s *torch.Scope, in, planes, stride int64, bottleneck bool) *block {
	b := &block{out: planes}
	if bottleneck {
		b.out = 4 * planes
	}
	if stride != 1 || in != b.out {
		c := newConvBN(s, nn.Conv2dConfig{In: in, Out: b.out, Kernel: 1, Stride: stride}, resNetEps)
		b.downsample = &c
	}
	add := func(cfg nn.Conv2dConfig) { b.convs = append(b.convs, newConvBN(s, cfg, resNetEps)) }
	if bottleneck {
		add(nn.Conv2dConfig{In: in, Out: planes, Kernel: 1, Stride: 1})
		add(nn.Conv2dConfig{In: planes, Out: planes, Kernel: 3, Stride: stride, Padding: 1})
		add(nn.Conv2dConfig{In: planes, Out: b.out, Kernel: 1, Stride: 1})
	} else {
		add(nn.Conv2dConfig{In: in, Out: planes, Kernel: 3, Stride: stride, Padding: 1})
		add(nn.Conv2dConfig{In: planes, Out: planes, Kernel: 3, Stride: 1, Padding: 1})
	}
	return b
}

// Forward maps x N×in×H×W to N×out×H/stride×W/stride.
func (b *block) Forward(s *torch.Scope, x *torch.Tensor) *torch.Tensor {
	return s.Tidy(func(s *torch.Scope) *torch.Tensor {
		y := x
		inner, last := b.convs[:len(b.convs)-1], b.convs[len(b.convs)-1]
		for _, c := range inner {
			y = c.forwardReLU(s, y)
		}
		return last.forwardAddReLU(s, y, func() *torch.Tensor {
			if b.downsample != nil {
				return b.downsample.forward(s, x)
			}
			return x
		})
	})
}

// Children implements nn.Parent.
func (b *block) Children() []nn.Child {
	var cs []nn.Child
	for i := range b.convs {
		n := string(rune('1' + i))
		cs = append(cs, nn.Child{Name: "conv" + n, Module: b.convs[i].conv}, nn.Child{Name: "bn" + n, Module: b.convs[i].bn})
	}
	if b.downsample != nil {
		cs = append(cs, nn.Child{Name: "downsample", Module: nn.Sequential{b.downsample.conv, b.downsample.bn}})
	}
	return cs
}
