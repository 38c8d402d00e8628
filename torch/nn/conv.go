package nn

import (
	"math"

	"hymenoptera/torch"
)

// Conv2dConfig holds the arguments of torch.nn.Conv2d for square windows.
type Conv2dConfig struct {
	In, Out         int64 // channels
	Kernel          int64
	Stride, Padding int64 // a stride of 0 is 1
	Bias            bool
}

// Conv2d is torch.nn.Conv2d.
type Conv2d struct {
	Weight *torch.Tensor // Out×In×Kernel×Kernel
	Bias   *torch.Tensor // Out, or nil
	cfg    Conv2dConfig
}

// NewConv2d returns a convolution with PyTorch's default initialisation (Conv2d.reset_parameters).
func NewConv2d(s *torch.Scope, cfg Conv2dConfig) *Conv2d {
	cfg.Stride = max(cfg.Stride, 1)
	fanIn := cfg.In * cfg.Kernel * cfg.Kernel
	c := &Conv2d{cfg: cfg, Weight: uniform(s, kaimingBound(fanIn), cfg.Out, cfg.In, cfg.Kernel, cfg.Kernel)}
	if cfg.Bias {
		c.Bias = uniform(s, 1/math.Sqrt(float64(fanIn)), cfg.Out)
	}
	return c
}

// Forward convolves x N×In×H×W to N×Out×H'×W'.
func (c *Conv2d) Forward(s *torch.Scope, x *torch.Tensor) *torch.Tensor {
	return torch.Conv2d(s, x, c.Weight, c.Bias, c.cfg.Stride, c.cfg.Padding)
}

// Tensors implements Owner.
func (c *Conv2d) Tensors() []Entry {
	return []Entry{{"weight", c.Weight, true}, {"bias", c.Bias, true}}
}
