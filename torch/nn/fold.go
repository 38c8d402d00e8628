package nn

import "hymenoptera/torch"

// A FoldedConv is a convolution and the BatchNorm behind it, in evaluation mode, as one convolution with other
// weights. It is for inference, keeps the weights that it was made from, and is in no state dict.
type FoldedConv struct {
	scope           *torch.Scope
	weight, bias    *torch.Tensor     // Out×In×Kernel×Kernel, Out
	packed          *torch.PackedConv // for the CPU, made at the first batch
	stride, padding int64
}

// Fold returns conv and bn as one convolution that computes in dtype. s owns it.
func Fold(s *torch.Scope, conv *Conv2d, bn *BatchNorm2d, dtype torch.DType) *FoldedConv {
	f := &FoldedConv{scope: s, stride: conv.cfg.Stride, padding: conv.cfg.Padding}
	torch.NoGrad(func() {
		c := s.Child()
		defer c.Close()
		// y = (conv(x)-mean) * gain/deviation + shift
		deviation := torch.Sqrt(c, torch.AddScalar(c, bn.RunningVar, bn.eps)) // Out
		scale := torch.Div(c, bn.Weight, deviation)
		weight := torch.Mul(c, conv.Weight, torch.Reshape(c, scale, -1, 1, 1, 1))
		f.weight = c.Keep(torch.ChannelsLast(c, torch.ToDType(c, weight, dtype)))
		bias := torch.AddScaled(c, bn.Bias, torch.Mul(c, bn.RunningMean, scale), -1)
		if conv.Bias != nil {
			bias = torch.Add(c, bias, torch.Mul(c, conv.Bias, scale))
		}
		f.bias = c.Keep(torch.ToDType(c, bias, dtype))
	})
	return f
}

// Forward returns the normalised convolution of x N×In×H×W, or with relu its positive part. It converts x to the
// layer's type and channels-last memory if necessary.
func (f *FoldedConv) Forward(s *torch.Scope, x *torch.Tensor, relu bool) *torch.Tensor {
	x = torch.ChannelsLast(s, torch.ToDType(s, x, f.weight.DType()))
	if p := f.pack(x); p != nil {
		return p.Forward(s, x, relu)
	}
	y := torch.Conv2d(s, x, f.weight, f.bias, f.stride, f.padding)
	if relu {
		torch.ReLUInPlace(y)
	}
	return y
}

// ForwardAdd returns the positive part of other plus the normalised convolution of x. Both must be outputs of a
// FoldedConv. It may overwrite other.
func (f *FoldedConv) ForwardAdd(s *torch.Scope, x, other *torch.Tensor) *torch.Tensor {
	if p := f.pack(x); p != nil {
		return p.ForwardAdd(s, x, other, true)
	}
	return torch.ReLUInPlace(torch.AddInPlace(torch.Conv2d(s, x, f.weight, f.bias, f.stride, f.padding), other))
}

// pack returns the convolution in oneDNN's layout, or nil on another device than the CPU.
func (f *FoldedConv) pack(x *torch.Tensor) *torch.PackedConv {
	if f.packed == nil && f.weight.Device() == torch.CPU {
		f.packed = torch.PackConv(f.scope, f.weight, f.bias, f.stride, f.padding, [4]int64(x.Shape()))
	}
	return f.packed
}
