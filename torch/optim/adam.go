package optim

import (
	"slices"

	"hymenoptera/torch"
)

// AdamConfig holds the arguments of torch.optim.Adam and AdamW that this module uses; betas and epsilon are
// PyTorch's defaults.
type AdamConfig struct {
	LR          float64 // for NewAdam; with NewAdamGroups each group has its own
	WeightDecay float64
	Decoupled   bool // AdamW: the decay shrinks the weights themselves instead of joining the gradient
}

// PyTorch's defaults.
const (
	adamBeta1 = 0.9
	adamBeta2 = 0.999
	adamEps   = 1e-8
)

// Adam is torch.optim.Adam or, with Decoupled, AdamW, in the order of operations of the single-tensor form.
type Adam struct {
	groups
	scope *torch.Scope                 // owns the moments
	state map[*torch.Tensor]*adamState // by parameter; none before its first step
	cfg   AdamConfig
}

// adamState is Adam's state of a parameter.
type adamState struct {
	steps         int
	first, second *torch.Tensor // running means of the gradient and of its square
}

// NewAdam returns an optimizer of params. s owns its moments, which take twice the memory of params.
func NewAdam(s *torch.Scope, params []*torch.Tensor, cfg AdamConfig) *Adam {
	return NewAdamGroups(s, []Group{{Params: params, LR: cfg.LR}}, cfg)
}

// NewAdamGroups returns an optimizer of groups of parameters, as NewAdam does.
func NewAdamGroups(s *torch.Scope, gs []Group, cfg AdamConfig) *Adam {
	return &Adam{groups: slices.Clone(gs), scope: s, state: map[*torch.Tensor]*adamState{}, cfg: cfg}
}

// Step implements Optimizer.
func (o *Adam) Step() {
	torch.NoGrad(func() {
		for _, g := range o.groups {
			for _, p := range g.Params {
				s := o.scope.Child()
				if grad := torch.Grad(s, p); grad != nil {
					o.update(s, p, grad, g.LR)
				}
				s.Close()
			}
		}
	})
}

func (o *Adam) update(s *torch.Scope, p, grad *torch.Tensor, lr float64) {
	st := o.state[p]
	if st == nil {
		st = &adamState{first: torch.FillInPlace(torch.Clone(o.scope, grad), 0), second: torch.FillInPlace(torch.Clone(o.scope, grad), 0)}
		o.state[p] = st
	}
	st.steps++
	switch decay := o.cfg.WeightDecay; {
	case decay != 0 && o.cfg.Decoupled:
		// float64(…): without it, arm64 fuses the product with the sum.
		torch.MulScalarInPlace(p, 1-float64(lr*decay))
	case decay != 0:
		grad = torch.AddScaled(s, grad, p, decay)
	}
	// Variables, because Go computes constants exactly, while Python rounds.
	beta1, beta2, steps := adamBeta1, adamBeta2, float64(st.steps)
	torch.LerpInPlace(st.first, grad, 1-beta1)
	torch.AddcmulInPlace(torch.MulScalarInPlace(st.second, beta2), grad, grad, 1-beta2)

	correction1, correction2 := 1-pow(beta1, steps), 1-pow(beta2, steps)
	denominator := torch.AddScalarInPlace(torch.DivScalarInPlace(torch.Sqrt(s, st.second), pow(correction2, 0.5)), adamEps)
	torch.AddcdivInPlace(p, st.first, denominator, -(lr / correction1))
}
