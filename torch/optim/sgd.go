package optim

import (
	"slices"

	"hymenoptera/torch"
)

// SGDConfig holds arguments of torch.optim.SGD.
type SGDConfig struct {
	LR          float64 // for NewSGD; with NewSGDGroups each group has its own
	Momentum    float64
	WeightDecay float64
	Nesterov    bool
	Fused       bool // one operation for all parameters: faster, and not bit-equal to the single-tensor form
	// Capturable, with Fused, keeps the rates on the parameters' device, where a torch.Graph that holds a step reads them.
	Capturable bool
}

// SGD is torch.optim.SGD, in the order of operations of its single-tensor form.
type SGD struct {
	groups
	scope   *torch.Scope                    // owns the momentum buffers
	buffers map[*torch.Tensor]*torch.Tensor // by parameter; none before its first step
	rates   []*torch.Tensor                 // a float32 scalar per group; nil before its first step, or if steps are not capturable
	cfg     SGDConfig
}

// NewSGD returns an optimizer of params. s owns its momentum buffers, which take as much memory as params.
func NewSGD(s *torch.Scope, params []*torch.Tensor, cfg SGDConfig) *SGD {
	return NewSGDGroups(s, []Group{{Params: params, LR: cfg.LR}}, cfg)
}

// NewSGDGroups returns an optimizer of groups of parameters, as NewSGD does.
func NewSGDGroups(s *torch.Scope, gs []Group, cfg SGDConfig) *SGD {
	return &SGD{groups: slices.Clone(gs), scope: s, buffers: map[*torch.Tensor]*torch.Tensor{}, rates: make([]*torch.Tensor, len(gs)), cfg: cfg}
}

// SetRates implements Optimizer.
func (o *SGD) SetRates(rates []float64) {
	o.groups.SetRates(rates)
	for i, rate := range o.rates {
		if rate != nil {
			torch.FillInPlace(rate, rates[i])
		}
	}
}

// Capturable reports whether a torch.Graph can hold a step. Call it after the first step.
func (o *SGD) Capturable() bool { return o.cfg.Fused && o.cfg.Capturable }

// Step implements Optimizer.
func (o *SGD) Step() {
	torch.NoGrad(func() {
		s := o.scope.Child()
		defer s.Close()
		for i, g := range o.groups {
			if o.cfg.Fused {
				o.fused(s, i)
				continue
			}
			for _, p := range g.Params {
				if grad := torch.Grad(s, p); grad != nil {
					torch.AddScaledInPlace(p, o.direction(s, p, grad), -g.LR)
				}
			}
		}
	})
}

// direction returns the step of a parameter, before it is multiplied by the rate and subtracted. The first step's
// buffer is the gradient itself, not (1-momentum) of it.
func (o *SGD) direction(s *torch.Scope, p, grad *torch.Tensor) *torch.Tensor {
	if o.cfg.WeightDecay != 0 {
		grad = torch.AddScaled(s, grad, p, o.cfg.WeightDecay)
	}
	if o.cfg.Momentum == 0 {
		return grad
	}
	if o.buffers[p] == nil {
		o.buffers[p] = torch.Clone(o.scope, grad)
	} else {
		torch.AddScaledInPlace(torch.MulScalarInPlace(o.buffers[p], o.cfg.Momentum), grad, 1)
	}
	if o.cfg.Nesterov {
		return torch.AddScaled(s, grad, o.buffers[p], o.cfg.Momentum)
	}
	return o.buffers[p]
}

// fused updates the parameters of a group: those that take their first step, and the others.
func (o *SGD) fused(s *torch.Scope, group int) {
	g := o.groups[group]
	var first, later fusedStep
	for _, p := range g.Params {
		grad := torch.Grad(s, p)
		switch {
		case grad == nil:
		case o.cfg.Momentum != 0 && o.buffers[p] == nil:
			o.buffers[p] = torch.Clone(o.scope, grad) // in the gradient's memory layout
			first.add(p, grad, o.buffers[p])
		default:
			later.add(p, grad, o.buffers[p])
		}
	}
	if o.Capturable() && o.rates[group] == nil && len(g.Params) > 0 {
		o.rates[group] = torch.FillInPlace(torch.Empty(o.scope, torch.Float32, g.Params[0].Device()), g.LR)
	}
	step := torch.SGDStep{Momentum: o.cfg.Momentum, LR: g.LR, Rate: o.rates[group], WeightDecay: o.cfg.WeightDecay, Nesterov: o.cfg.Nesterov}
	step.Buffers = later.buffers
	torch.FusedSGD(later.params, later.grads, step)
	step.Buffers, step.First = first.buffers, true
	torch.FusedSGD(first.params, first.grads, step)
}

// A fusedStep holds parameters that are updated in one call.
type fusedStep struct{ params, grads, buffers []*torch.Tensor }

func (f *fusedStep) add(p, grad, buffer *torch.Tensor) {
	f.params, f.grads, f.buffers = append(f.params, p), append(f.grads, grad), append(f.buffers, buffer)
}
