package trainer

import (
	"errors"

	"hymenoptera/metrics"
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
)

// ErrStop ends a training early, without an error, if EpochEnd returns it.
var ErrStop = errors.New("trainer: stop")

// Hooks are functions that a training calls on libtorch's thread, unless they are nil. An error ends the training.
type Hooks struct {
	// EpochStart is called before an epoch's two phases.
	EpochStart func(epoch int) error
	// Step is called before a phase's first batch and after each batch, when done of n images are processed. The phase is
	// "train" or "val" or, in Extract, "features", whose n counts all views.
	Step func(epoch int, phase string, done, n int)
	// Batch is called after each forward pass. b is valid only during the call.
	Batch func(b Batch)
	// PhaseEnd is called after each phase.
	PhaseEnd func(p metrics.Phase) error
	// Best is called after a validation phase that was better, by Config.Best, than all before it. The model then holds its
	// weights or, with Config.EMA, their average.
	Best func(p metrics.Phase) error
	// EpochEnd is called after an epoch's two phases. If it returns [ErrStop], the training ends as if it had no more
	// epochs.
	EpochEnd func(epoch int) error

	// Due reports whether to call Checkpoint. It is called after each step of both phases and after each epoch. If ctx is
	// cancelled or a batch cannot be made, it is called once more, for the moment after the last step. With a Group, it is
	// not called for a batch that cannot be made, and only rank 0's Due counts.
	Due func(m Moment) bool
	// Checkpoint copies the training, to resume it from there: it must call m.Copy once. Nothing is copied before that. It
	// needs Due. With a Group, only rank 0's is called.
	Checkpoint func(m Moment) error

	// Tensor is called with the tensors of every step in the order in which they are computed, to find the first one that
	// differs from another implementation's: "batch", "logits", "loss", after the backward pass every "<key>.grad", and
	// every tensor of the state dict after the update and once before training.
	Tensor func(epoch int, phase string, step int, name string, t *torch.Tensor)
}

// A Moment is a moment between two steps, at which a training can be copied.
type Moment struct {
	Epoch int           // under way, or the next one
	Phase string        // "train", "val" or, between two epochs, ""
	Steps int           // of the phase, so far
	Cause error         // error that Fit is about to return; nil if the training continues
	Copy  func() *State // copies the training; valid only during the call
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

// filled returns h with a function that does nothing for each nil one, except Due, Checkpoint and Tensor, which cost time.
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
