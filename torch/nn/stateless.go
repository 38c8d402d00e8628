package nn

import "hymenoptera/torch"

// Layers without tensors, to be used as values: nn.Sequential{conv, nn.ReLU{}, nn.MaxPool2d{Kernel: 2}}.

// ReLU is torch.nn.ReLU.
type ReLU struct{}

// Forward returns max(x, 0).
func (ReLU) Forward(s *torch.Scope, x *torch.Tensor) *torch.Tensor { return torch.ReLU(s, x) }

// MaxPool2d is torch.nn.MaxPool2d with square windows.
type MaxPool2d struct {
	Kernel, Stride, Padding int64 // a stride of 0 is the kernel's size
	CeilMode                bool  // the last window may extend over the edge
}

// Forward maps x N×C×H×W to N×C×H'×W'.
func (p MaxPool2d) Forward(s *torch.Scope, x *torch.Tensor) *torch.Tensor {
	return torch.MaxPool2d(s, x, p.Kernel, strideOf(p.Stride, p.Kernel), p.Padding, p.CeilMode)
}

// AvgPool2d is torch.nn.AvgPool2d with square windows.
type AvgPool2d struct {
	Kernel, Stride, Padding int64 // a stride of 0 is the kernel's size; padding counts as zeros
}

// Forward maps x N×C×H×W to N×C×H'×W'.
func (p AvgPool2d) Forward(s *torch.Scope, x *torch.Tensor) *torch.Tensor {
	return torch.AvgPool2d(s, x, p.Kernel, strideOf(p.Stride, p.Kernel), p.Padding)
}

func strideOf(stride, kernel int64) int64 {
	if stride == 0 {
		return kernel
	}
	return stride
}

// Flatten is torch.nn.Flatten.
type Flatten struct{}

// Forward maps x N×… to N×C, with all but the first dimension merged into one.
func (Flatten) Forward(s *torch.Scope, x *torch.Tensor) *torch.Tensor { return torch.Flatten(s, x, 1) }
