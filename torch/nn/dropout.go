package nn

import "hymenoptera/torch"

// Dropout is torch.nn.Dropout.
type Dropout struct {
	p        float64
	training bool
}

// NewDropout returns a layer that zeroes elements with probability p while training.
func NewDropout(p float64) *Dropout { return &Dropout{p: p, training: true} }

// Forward returns x with some elements zeroed and the others scaled by 1/(1-p), or x in evaluation mode.
func (d *Dropout) Forward(s *torch.Scope, x *torch.Tensor) *torch.Tensor {
	return torch.Dropout(s, x, d.p, d.training)
}

// SetTraining implements Moded.
func (d *Dropout) SetTraining(on bool) { d.training = on }
