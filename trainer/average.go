package trainer

import (
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
)

// An average is the exponential moving average of a model's parameters and BatchNorm statistics:
// torch.optim.swa_utils.AveragedModel with get_ema_multi_avg_fn and use_buffers.
type average struct {
	*snapshot
	decay   float64
	begun   bool
	trained *snapshot // the model's tensors before enter
}

// newAverage returns the average of a model that has not begun to train; s owns it.
func newAverage(s *torch.Scope, model nn.Module, decay float64) *average {
	return &average{snapshot: newSnapshot(s, model), decay: decay, trained: newSnapshot(s, model)}
}

// update adds the weights after a step to the average, which begins with the first ones.
func (a *average) update(s *torch.Scope) {
	if !a.begun {
		a.take()
		a.begun = true
		return
	}
	s = s.Child()
	defer s.Close()
	torch.NoGrad(func() {
		for i, e := range nn.StateDict(a.model) {
			mean := a.copies[i]
			if mean.DType() != torch.Int64 {
				torch.LerpInPlace(mean, e.Tensor, 1-a.decay)
				continue
			}
			// This is a counter of batches. PyTorch averages it in float32 and truncates it to a whole number.
			old, now := torch.ToDType(s, mean, torch.Float32), torch.ToDType(s, e.Tensor, torch.Float32)
			torch.CopyInPlace(mean, torch.Add(s, torch.MulScalar(s, old, a.decay), torch.MulScalar(s, now, 1-a.decay)))
		}
	})
}

// enter puts the average into the model until leave is called.
func (a *average) enter() {
	a.trained.take()
	a.restore()
}

func (a *average) leave() { a.trained.restore() }
