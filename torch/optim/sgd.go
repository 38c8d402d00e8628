package optim

import "hymenoptera/torch"

// SGDConfig holds the arguments of torch.optim.SGD that this module uses.
type SGDConfig struct {
	LR          float64
	Momentum    float64
	WeightDecay float64
	Nesterov    bool
	Fused       bool // one operation for all parameters: faster, and not bit-equal to the single-tensor form
	// Capturable, with Fused, keeps the rate on the parameters' device, where a torch.Graph that holds a step reads it.
	Capturable bool
}

// SGD is torch.optim.SGD, in the order of operations of its single-tensor form.
type SGD struct {
	scope   *torch.Scope // owns the momentum buffers
	params  []*torch.Tensor
	buffers []*torch.Tensor // nil until the parameter's first step
	rate    *torch.Tensor   // float32 scalar; nil until the first step, and where the steps are not capturable
	cfg     SGDConfig
}

// NewSGD returns an optimizer of params. s owns its momentum buffers, which take as much memory as params.
func NewSGD(s *torch.Scope, params []*torch.Tensor, cfg SGDConfig) *SGD {
	return &SGD{scope: s, params: params, buffers: make([]*torch.Tensor, len(params)), cfg: cfg}
}

// ZeroGrad implements Optimizer.
func (o *SGD) ZeroGrad() { torch.ClearGrads(o.params) }

// LR implements Optimizer.
func (o *SGD) LR() float64 { return o.cfg.LR }

// SetLR implements Optimizer.
func (o *SGD) SetLR(lr float64) {
	o.cfg.LR = lr
	if o.rate != nil {
		torch.FillInPlace(o.rate, lr)
	}
}

// Capturable reports whether a torch.Graph can hold a step, which has to be done once before.
func (o *SGD) Capturable() bool { return o.cfg.Fused && o.cfg.Capturable }

// Step implements Optimizer.
func (o *SGD) Step() {
	torch.NoGrad(func() {
		s := o.scope.Child()
		defer s.Close()
		if o.cfg.Fused {
			o.fused(s)
			return
		}
		for i, p := range o.params {
			if grad := torch.Grad(s, p); grad != nil {
				torch.AddScaledInPlace(p, o.direction(s, i, p, grad), -o.cfg.LR)
			}
		}
	})
}

// direction returns what is subtracted, times the rate, from the i-th parameter. The first step's buffer
// is the gradient itself, not (1-momentum) of it.
func (o *SGD) direction(s *torch.Scope, i int, p, grad *torch.Tensor) *torch.Tensor {
	if o.cfg.WeightDecay != 0 {
		grad = torch.AddScaled(s, grad, p, o.cfg.WeightDecay)
	}
	if o.cfg.Momentum == 0 {
		return grad
	}
	if o.buffers[i] == nil {
		o.buffers[i] = torch.Clone(o.scope, grad)
	} else {
		torch.AddScaledInPlace(torch.MulScalarInPlace(o.buffers[i], o.cfg.Momentum), grad, 1)
	}
	if o.cfg.Nesterov {
		return torch.AddScaled(s, grad, o.buffers[i], o.cfg.Momentum)
	}
	return o.buffers[i]
}

// fused updates all parameters, which have gradients always or never.
func (o *SGD) fused(s *torch.Scope) {
	var params, grads, buffers []*torch.Tensor
	first := false
	for i, p := range o.params {
		grad := torch.Grad(s, p)
		if grad == nil {
			continue
		}
		if o.cfg.Momentum != 0 && o.buffers[i] == nil {
			first = true
			o.buffers[i] = torch.Clone(o.scope, grad) // as its memory is laid out
		}
		params, grads, buffers = append(params, p), append(grads, grad), append(buffers, o.buffers[i])
	}
	if o.Capturable() && o.rate == nil && len(params) > 0 {
		o.rate = torch.FillInPlace(torch.Empty(o.scope, torch.Float32, params[0].Device()), o.cfg.LR)
	}
	torch.FusedSGD(params, grads, torch.SGDStep{Buffers: buffers, First: first, Momentum: o.cfg.Momentum,
		LR: o.cfg.LR, Rate: o.rate, WeightDecay: o.cfg.WeightDecay, Nesterov: o.cfg.Nesterov})
}
