package trainer

import (
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
)

func (t *training) trace(at place, name string, x *torch.Tensor) {
	if t.cfg.Hooks.Tensor != nil {
		t.cfg.Hooks.Tensor(at.epoch, at.phase, at.step, name, x)
	}
}

// traceModel traces the model's tensors or, with grads, the gradients that they have.
func (t *training) traceModel(at place, grads bool) {
	if t.cfg.Hooks.Tensor == nil {
		return
	}
	s := t.scope.Child()
	defer s.Close()
	for _, e := range nn.StateDict(t.model) {
		if !grads {
			t.trace(at, e.Name, e.Tensor)
		} else if g := torch.Grad(s, e.Tensor); g != nil {
			t.trace(at, e.Name+".grad", g)
		}
	}
}
