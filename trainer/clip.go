package trainer

import (
	"fmt"

	"hymenoptera/torch"
	"hymenoptera/torch/nn"
)

// A GradientError says that gradients became NaN or infinite although the loss is finite.
type GradientError struct {
	Epoch, Step int
	LR          float64 // the learning rate of the first group
	Parameter   string  // the first whose gradient is not finite; "" if only their norm is not
	Norm        float64 // of all gradients together: NaN or infinite
}

func (e *GradientError) Error() string {
	what := "the gradient of " + e.Parameter
	if e.Parameter == "" {
		what = "the norm of the gradients"
	}
	return fmt.Sprintf("trainer: %s is not finite in epoch %d, train step %d, at learning rate %v (the norm of all gradients is %v)",
		what, e.Epoch, e.Step, e.LR, e.Norm)
}

// clip keeps the norm of all gradients within ClipNorm. Gradients that are not finite end the training with a
// [*GradientError], unless the loss is not finite either, which is found later. With Async, these gradients are found later
// too, by the loss.
func (l *loop) clip(s *torch.Scope, loss *torch.Tensor) {
	if l.cfg.ClipNorm == 0 {
		return
	}
	params := nn.Parameters(l.model)
	norm := torch.GradNorm(s, params)
	if !l.cfg.Async {
		if total := torch.Item(norm); !isFinite(total) && isFinite(torch.Item(loss)) {
			torch.Fail(&GradientError{Epoch: l.epoch, Step: l.batch, LR: l.cfg.Optimizer.Rates()[0], Parameter: l.notFinite(s), Norm: total})
		}
	}
	torch.ClipGrads(params, norm, l.cfg.ClipNorm)
}

// notFinite returns the name of the first parameter whose gradient is not finite.
func (l *loop) notFinite(s *torch.Scope) string {
	for _, e := range nn.StateDict(l.model) {
		if g := torch.Grad(s, e.Tensor); g != nil && !isFinite(torch.Item(torch.GradNorm(s, []*torch.Tensor{e.Tensor}))) {
			return e.Name
		}
	}
	return ""
}
