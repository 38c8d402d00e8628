package trainer

import (
	"errors"

	"hymenoptera/metrics"
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
)

// ErrStop ends a training early, without an error, if EpochEnd returns it.
var ErrStop = errors.New("trainer: stop")

// Hooks are functions that a training calls, on libtorch's thread; nil ones are not called. An error ends the
// training.
type Hooks struct {
	// EpochStart comes before an epoch's two phases.
	EpochStart func(epoch int) error
	// Step comes before a phase's first batch and after each batch, when done of n images are through. The phase is
	// "train" or "val" or, in Extract, "features", whose n counts all views.
	Step func(epoch int, phase string, done, n int)
	// Batch comes after each forward pass. The batch is valid during the call only.
	Batch func(b Batch)
	// PhaseEnd comes after each phase.
	PhaseEnd func(p metrics.Phase) error
	// Best comes after a validation phase that was better than every one before it by Config.Best, while the model
	// holds its weights or, with Config.EMA, their average.
	Best func(p metrics.Phase) error
	// EpochEnd comes after an epoch's two phases. If it returns [ErrStop], the training ends as if it had no more
	// epochs.
	EpochEnd func(epoch int) error

	// Due comes after each step of both phases and after each epoch, and reports whether Checkpoint is to be called. If ctx is
	// cancelled or a batch cannot be made, it comes once more, with the place after the last step. With a Group, a batch that
	// cannot be made leaves no such moment, and only the Due of rank 0 counts.
	Due func(m Moment) bool
	// Checkpoint copies the training, to resume it from there: it calls m.Copy once. Nothing is copied for it before. It goes
	// with Due. With a Group, only that of rank 0 is called.
	Checkpoint func(m Moment) error

	// Tensor gets the tensors of every step in the order in which they are computed, to find the first one that
	// differs from another implementation's: "batch", "logits", "loss", after the backward pass every "<key>.grad",
	// and after the update, as once before training, every tensor of the state dict.
	Tensor func(epoch int, phase string, step int, name string, t *torch.Tensor)
}

// A Moment is a moment between two steps, at which a training can be copied.
type Moment struct {
	Epoch int           // under way, or the next one
	Phase string        // "train", "val" or, between two epochs, ""
	Steps int           // of the phase, so far
	Cause error         // with which Fit is about to return; nil if the training goes on
	Copy  func() *State // copies the training; only during the call
}

// A Batch holds the inputs and outputs of a step.
type Batch struct {
	Epoch   int
	Phase   string        // "train" or "val"
	Samples []int         // N, indices into the set
	Labels  []int64       // N
	Inputs  *torch.Tensor // images N×3×H×W or, in FitFeatures, vectors N×C; on Config.Device
	Logits  *torch.Tensor // N×classes, on Config.Device
}

// filled returns h with a function that does nothing for each nil one but Due, Checkpoint and Tensor, which cost time.
func (h Hooks) filled() Hooks {
	if h.EpochStart == nil {
		h.EpochStart = func(int) error { return nil }
	}
	if h.Step == nil {
		h.Step = func(int, string, int, int) {}
	}
	if h.Batch == nil {
		h.Batch = func(Batch) {}
	}
	if h.PhaseEnd == nil {
		h.PhaseEnd = func(metrics.Phase) error { return nil }
	}
	if h.Best == nil {
		h.Best = func(metrics.Phase) error { return nil }
	}
	if h.EpochEnd == nil {
		h.EpochEnd = func(int) error { return nil }
	}
	return h
}

func (l *loop) trace(name string, x *torch.Tensor) {
	if l.cfg.Hooks.Tensor != nil {
		l.cfg.Hooks.Tensor(l.epoch, l.phase, l.batch, name, x)
	}
}

// traceWeights traces the model's state dict.
func (l *loop) traceWeights() {
	if l.cfg.Hooks.Tensor != nil {
		for _, e := range nn.StateDict(l.model) {
			l.trace(e.Name, e.Tensor)
		}
	}
}

// traceGradients traces the gradients that there are.
func (l *loop) traceGradients() {
	if l.cfg.Hooks.Tensor == nil {
		return
	}
	s := l.scope.Child()
	defer s.Close()
	for _, e := range nn.StateDict(l.model) {
		if g := torch.Grad(s, e.Tensor); g != nil {
			l.trace(e.Name+".grad", g)
		}
	}
}
