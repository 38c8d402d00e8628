package zoo

import (
	"slices"

	"hymenoptera/checkpoint"
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
)

// GoogLeNet is torchvision.models.googlenet: Szegedy et al., "Going Deeper with Convolutions", 2014, with BatchNorm
// after every convolution. As in torchvision, a 3×3 convolution replaces the paper's 5×5
// (https://github.com/pytorch/vision/issues/906), since the published weights have that shape.
type GoogLeNet struct {
	conv1, conv2, conv3 *basicConv
	inceptions          [9]*inception // 3a 3b 4a 4b 4c 4d 4e 5a 5b
	aux1, aux2          *auxHead      // nil once dropped
	dropout             *nn.Dropout
	fc                  *nn.Linear
	transformInput      bool
}

// inceptionNames are the names of the nine modules in state dicts.
var inceptionNames = [9]string{"3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"}

// inceptionShapes holds for each of them: input channels, 1×1, 3×3 reduction, 3×3, "5×5" reduction, "5×5",
// pool projection.
var inceptionShapes = [9][7]int64{
	{192, 64, 96, 128, 16, 32, 32},
	{256, 128, 128, 192, 32, 96, 64},
	{480, 192, 96, 208, 16, 48, 64},
	{512, 160, 112, 224, 24, 64, 64},
	{512, 128, 128, 256, 24, 64, 64},
	{512, 112, 144, 288, 32, 64, 64},
	{528, 256, 160, 320, 32, 128, 128},
	{832, 256, 160, 320, 32, 128, 128},
	{832, 384, 192, 384, 48, 128, 128},
}

// newGoogLeNet returns the network as googlenet(weights=None, aux_logits=False, init_weights=True) builds it.
func newGoogLeNet(s *torch.Scope, classes int64) *GoogLeNet {
	g := buildGoogLeNet(s, classes, false)
	nn.Walk(g, func(m nn.Module) { // BatchNorm is constant from the start
		switch m := m.(type) {
		case *nn.Conv2d:
			nn.TruncNormal(m.Weight, 0.01, -2, 2)
		case *nn.Linear:
			nn.TruncNormal(m.Weight, 0.01, -2, 2)
		}
	})
	return g
}

// loadGoogLeNet returns the network as googlenet(weights=...) does: built with auxiliary heads and an input
// that is renormalised to the range the weights were trained with, loaded strictly, the heads dropped
// afterwards. A file without any auxiliary key, as training writes it, is loaded without them.
func loadGoogLeNet(s *torch.Scope, classes int64, sd *checkpoint.StateDict) (Network, error) {
	_, aux := sd.Get("aux1.conv.conv.weight")
	g := buildGoogLeNet(s, classes, aux)
	g.transformInput = sd.Metadata[TransformInputKey] != "false"
	if err := nn.LoadStateDict(g, sd); err != nil {
		return nil, err
	}
	g.aux1, g.aux2 = nil, nil
	return g, nil
}

// TransformInputKey is the key in a state dict's metadata that says whether GoogLeNet renormalises its input. The tensors do
// not show that. A file without the key is treated as torchvision's, whose networks do.
const TransformInputKey = "transform_input"

func buildGoogLeNet(s *torch.Scope, classes int64, aux bool) *GoogLeNet {
	g := &GoogLeNet{
		conv1: newBasicConv(s, nn.Conv2dConfig{In: 3, Out: 64, Kernel: 7, Stride: 2, Padding: 3}),
		conv2: newBasicConv(s, nn.Conv2dConfig{In: 64, Out: 64, Kernel: 1, Stride: 1}),
		conv3: newBasicConv(s, nn.Conv2dConfig{In: 64, Out: 192, Kernel: 3, Stride: 1, Padding: 1}),
	}
	for i, shape := range inceptionShapes {
		g.inceptions[i] = newInception(s, shape)
	}
	if aux {
		g.aux1, g.aux2 = newAuxHead(s, 512, classes), newAuxHead(s, 528, classes)
	}
	g.dropout = nn.NewDropout(0.2)
	g.fc = nn.NewLinear(s, 1024, classes)
	return g
}

// Forward returns logits N×classes for images x N×3×H×W. The auxiliary heads are not used.
func (g *GoogLeNet) Forward(s *torch.Scope, x *torch.Tensor) *torch.Tensor {
	return g.Classify(s, g.Features(s, x))
}

// Features returns the output of the last inception module for images x N×3×H×W. The shapes in the comments are for
// 224×224.
func (g *GoogLeNet) Features(s *torch.Scope, x *torch.Tensor) *torch.Tensor {
	return s.Tidy(func(s *torch.Scope) *torch.Tensor {
		return g.deepen(s, g.middle(s, x)) // N×1024×7×7
	})
}

// lastStage is the inception module that the last stage begins with.
const lastStage = "5a"

// middle returns the feature maps before the last stage.
func (g *GoogLeNet) middle(s *torch.Scope, x *torch.Tensor) *torch.Tensor {
	return s.Tidy(func(s *torch.Scope) *torch.Tensor {
		if g.transformInput {
			x = renormalise(s, x)
		}
		x = g.conv1.Forward(s, x)                // N×64×112×112
		x = torch.MaxPool2d(s, x, 3, 2, 0, true) // N×64×56×56
		x = g.conv2.Forward(s, x)                // N×64×56×56
		x = g.conv3.Forward(s, x)                // N×192×56×56
		x = torch.MaxPool2d(s, x, 3, 2, 0, true) // N×192×28×28
		for i, m := range g.inceptions {
			if inceptionNames[i] == lastStage {
				break
			}
			x = m.Forward(s, x)
			switch inceptionNames[i] {
			case "3b": // N×480×28×28
				x = torch.MaxPool2d(s, x, 3, 2, 0, true) // N×480×14×14
			case "4e": // N×832×14×14
				x = torch.MaxPool2d(s, x, 2, 2, 0, true) // N×832×7×7
			}
		}
		return x // N×832×7×7
	})
}

// deepen is the last stage.
func (g *GoogLeNet) deepen(s *torch.Scope, x *torch.Tensor) *torch.Tensor {
	for _, m := range g.inceptions[slices.Index(inceptionNames[:], lastStage):] {
		x = m.Forward(s, x)
	}
	return x
}

// Classify returns the logits N×classes of features.
func (g *GoogLeNet) Classify(s *torch.Scope, x *torch.Tensor) *torch.Tensor {
	return s.Tidy(func(s *torch.Scope) *torch.Tensor {
		return g.Top().Forward(s, pool(s, x))
	})
}

// Top implements Network.
func (g *GoogLeNet) Top() nn.Module { return nn.Sequential{g.dropout, g.fc} }

// renormalise takes x from ImageNet's mean and deviation to (v-0.5)/0.5, channel by channel. The factors
// are computed in float64 at run time, as Python does: 0.485-0.5 is not -0.015 there.
func renormalise(s *torch.Scope, x *torch.Tensor) *torch.Tensor {
	mean, std, half := [3]float64{0.485, 0.456, 0.406}, [3]float64{0.229, 0.224, 0.225}, 0.5
	var channels [3]*torch.Tensor
	for i := range channels {
		c := torch.Narrow(s, x, 1, int64(i), 1) // N×1×H×W
		channels[i] = torch.AddScalar(s, torch.MulScalar(s, c, std[i]/half), (mean[i]-half)/half)
	}
	return torch.Cat(s, 1, channels[:]...)
}

// Children implements nn.Parent.
func (g *GoogLeNet) Children() []nn.Child {
	cs := []nn.Child{
		{Name: "conv1", Module: g.conv1}, {Name: "conv2", Module: g.conv2}, {Name: "conv3", Module: g.conv3},
	}
	for i, m := range g.inceptions {
		cs = append(cs, nn.Child{Name: "inception" + inceptionNames[i], Module: m})
	}
	if g.aux1 != nil {
		cs = append(cs, nn.Child{Name: "aux1", Module: g.aux1}, nn.Child{Name: "aux2", Module: g.aux2})
	}
	return append(cs, nn.Child{Name: "dropout", Module: g.dropout}, nn.Child{Name: "fc", Module: g.fc})
}

// Stages implements Network. Between them the sides of the feature maps are halved.
func (g *GoogLeNet) Stages() []nn.Module {
	in := g.inceptions
	return []nn.Module{g.conv1, nn.Sequential{g.conv2, g.conv3}, nn.Sequential{in[0], in[1]},
		nn.Sequential{in[2], in[3], in[4], in[5], in[6]}, nn.Sequential{in[7], in[8]}, g.fc}
}

// TransformInput reports whether Forward renormalises its input.
func (g *GoogLeNet) TransformInput() bool { return g.transformInput }

// Head implements Network.
func (g *GoogLeNet) Head() *nn.Linear { return g.fc }

// SetHead implements Network.
func (g *GoogLeNet) SetHead(fc *nn.Linear) { g.fc = fc }
