package optim

import "hymenoptera/torch"

// AdamConfig holds the arguments of torch.optim.Adam and AdamW that this module uses; betas and epsilon are
// PyTorch's defaults.
type AdamConfig struct {
	LR          float64
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
	scope  *torch.Scope // owns the moments
	params []*torch.Tensor
	state  []adamState
	cfg    AdamConfig
}

// adamState is what Adam remembers of a parameter.
type adamState struct {
	steps         int
	first, second *torch.Tensor // running means of the gradient and of its square
}

// NewAdam returns an optimizer of params. s owns its moments, which take twice the memory of params.
func NewAdam(s *torch.Scope, params []*torch.Tensor, cfg AdamConfig) *Adam {
	return &Adam{scope: s, params: params, state: make([]adamState, len(params)), cfg: cfg}
}

// ZeroGrad implements Optimizer.
func (o *Adam) ZeroGrad() { torch.ClearGrads(o.params) }

// LR implements Optimizer.
func (o *Adam) LR() float64 { return o.cfg.LR }

// SetLR implements Optimizer.
func (o *Adam) SetLR(lr float64) { o.cfg.LR = lr }

// Step implements Optimizer.
func (o *Adam) Step() {
	torch.NoGrad(func() {
		for i, p := range o.params {
			s := o.scope.Child()
			if grad := torch.Grad(s, p); grad != nil {
				o.update(s, &o.state[i], p, grad)
			}
			s.Close()
		}
	})
}

func (o *Adam) update(s *torch.Scope, st *adamState, p, grad *torch.Tensor) {
	if st.first == nil {
		st.first = torch.FillInPlace(torch.Clone(o.scope, grad), 0)
		st.second = torch.FillInPlace(torch.Clone(o.scope, grad), 0)
	}
	st.steps++
	switch decay := o.cfg.WeightDecay; {
	case decay != 0 && o.cfg.Decoupled:
		torch.MulScalarInPlace(p, 1-o.cfg.LR*decay)
	case decay != 0:
		grad = torch.AddScaled(s, grad, p, decay)
	}
	// Variables, as Go would compute constants exactly and Python rounds them.
	beta1, beta2, steps := adamBeta1, adamBeta2, float64(st.steps)
	torch.LerpInPlace(st.first, grad, 1-beta1)
	torch.AddcmulInPlace(torch.MulScalarInPlace(st.second, beta2), grad, grad, 1-beta2)

	correction1, correction2 := 1-pow(beta1, steps), 1-pow(beta2, steps)
	denominator := torch.AddScalarInPlace(torch.DivScalarInPlace(torch.Sqrt(s, st.second), pow(correction2, 0.5)), adamEps)
	torch.AddcdivInPlace(p, st.first, denominator, -(o.cfg.LR / correction1))
}
