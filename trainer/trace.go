package trainer

import (
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
)

func (t *training) trace(epoch int, phase string, step int, name string, x *torch.Tensor) {
	if t.cfg.Trace != nil {
		t.cfg.Trace(epoch, phase, step, name, x)
	}
}

// traceModel traces the model's tensors or, with grads, the gradients that they have.
func (t *training) traceModel(epoch int, phase string, step int, grads bool) {
	if t.cfg.Trace == nil {
		return
	}
	s := t.scope.Child()
	defer s.Close()
	for _, e := range nn.StateDict(t.model) {
		if !grads {
			t.trace(epoch, phase, step, e.Name, e.Tensor)
		} else if g := torch.Grad(s, e.Tensor); g != nil {
			t.trace(epoch, phase, step, e.Name+".grad", g)
		}
	}
}
