// Package trainer is the notebook's train_model: per epoch a training and a validation phase, the best
// weights kept by a deep copy and restored at the end.
//
//	best, err := trainer.Fit(ctx, s, model, trainer.Data{Train: train, Val: val}, sgd, schedule, cfg, observer)
//
// It trains any nn.Module that maps images N×3×H×W to logits N×classes. It makes no optimizer, writes no
// file and prints nothing: what happens it tells an Observer.
package trainer

import (
	"context"
	"errors"
	"fmt"

	"hymenoptera/dataset"
	"hymenoptera/metrics"
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
	"hymenoptera/torch/optim"
)

// Config says how long and where to train.
type Config struct {
	Epochs int          // at least 1
	Device torch.Device // where the model's tensors are

	LabelSmoothing float64   // of the cross entropy, 0 to 1
	ClassWeights   []float32 // of the cross entropy, one a class; nil for none

	// BFloat16 trains with torch.autocast: convolutions and linear layers compute in bfloat16.
	BFloat16 bool
	// Fold validates on a copy of the model in which each BatchNorm is part of its convolution, made anew for
	// each epoch, in bfloat16 where BFloat16 is set. The model must be a [Folder].
	Fold bool

	// Async lets the host run ahead of the device: losses and hits are summed where they are computed and read once,
	// when a phase ends. A loss that is not finite then ends the training there, and its batch is not told.
	Async bool
	// Graph, for a CUDA device, replays training steps as CUDA graphs, one a size of batch, where the optimizer's steps
	// are capturable. It needs torch.LoadGraphs.
	Graph bool
	// Resident is how many bytes of the device's memory the decoded images may take: a set that fits is cropped,
	// resized and mirrored there, in floats. 0 leaves that to the loaders.
	Resident int64

	// Trace, where not nil, gets the tensors of every step as they come into being, to find the first one
	// that differs from another implementation's: "batch", "logits", "loss", after the backward pass every
	// "<key>.grad", and after the update, as once before training, every tensor of the state dict.
	Trace func(epoch int, phase string, step int, name string, t *torch.Tensor)

	// Batch, where not nil, gets every batch with the images N×3×H×W that the model was given and its logits
	// N×classes, on Device. All are valid during the call only.
	Batch func(phase string, b *dataset.Batch, images, logits *torch.Tensor)
}

// DefaultConfig returns the notebook's 25 epochs, on the CPU.
func DefaultConfig() Config { return Config{Epochs: 25} }

func (c Config) validate() error {
	if c.Epochs < 1 {
		return fmt.Errorf("trainer: %d epochs: want at least 1", c.Epochs)
	}
	if c.LabelSmoothing < 0 || c.LabelSmoothing > 1 {
		return fmt.Errorf("trainer: label smoothing %v: want 0 to 1", c.LabelSmoothing)
	}
	return nil
}

// dtype is what convolutions compute in.
func (c Config) dtype() torch.DType {
	if c.BFloat16 {
		return torch.BFloat16
	}
	return torch.Float32
}

// foldable finds models that Fold cannot take.
func (c Config) foldable(model nn.Module) error {
	if _, ok := model.(Folder); c.Fold && !ok {
		return fmt.Errorf("trainer: %T cannot be folded", model)
	}
	return nil
}

// A Folder is a model that can be made into a faster one for inference.
type Folder interface {
	// Fold returns a model for inference with the weights of now, computing in dtype; s owns it.
	Fold(s *torch.Scope, dtype torch.DType) nn.Module
}

// Data holds the two sets.
type Data struct {
	Train, Val *dataset.Loader
}

// An Observer is told what happens, on libtorch's thread. An error ends the training.
type Observer interface {
	// EpochStart comes before an epoch's two phases.
	EpochStart(epoch int) error
	// Step comes before a phase's first batch and after each one; done of n images are through.
	Step(epoch int, phase string, done, n int)
	// PhaseEnd comes after each phase.
	PhaseEnd(p metrics.Phase) error
	// Best comes after a validation phase that was strictly better than every one before it, while the
	// model holds the weights that it was reached with.
	Best(p metrics.Phase) error
	// EpochEnd comes after an epoch's two phases.
	EpochEnd(epoch int) error
}

// Fit trains model for cfg.Epochs epochs and leaves it with the weights of the best validation phase,
// which it returns: the first with the highest accuracy or, where none got any image right, the last (N is 0 when none
// has ended). The notebook returns the weights from before the training there, whose new head knows nothing. When ctx
// is cancelled it returns after the current step, and on every error too, also where an operation of libtorch fails in an
// epoch, the model holds the best weights, unless its device has failed altogether.
func Fit(ctx context.Context, s *torch.Scope, model nn.Module, data Data, opt optim.Optimizer, sched optim.Scheduler, cfg Config, obs Observer) (best metrics.Phase, err error) {
	if err := cfg.foldable(model); err != nil {
		return best, err
	}
	if err := cfg.validate(); err != nil { // before tensors are made
		return best, err
	}
	c := s.Child()
	defer c.Close()
	m := &memory{scope: c, device: cfg.Device, resident: cfg.Resident}
	train, err := newSet(ctx, m, data.Train)
	if err != nil {
		return best, err
	}
	val, err := newSet(ctx, m, data.Val)
	if err != nil {
		return best, err
	}
	return fit(ctx, c, model, train, val, opt, sched, cfg, obs)
}

// fit is Fit for any two sets.
func fit(ctx context.Context, s *torch.Scope, model nn.Module, train, val set, opt optim.Optimizer, sched optim.Scheduler, cfg Config, obs Observer) (best metrics.Phase, err error) {
	weights := newSnapshot(s, model)
	defer func() {
		if lost := torch.Do(ctx, func(*torch.Scope) error { weights.restore(); return nil }); lost != nil {
			err = errors.Join(err, lost)
		}
	}()
	err = torch.Do(ctx, func(*torch.Scope) error {
		t := newTraining(ctx, s, model, opt, cfg, obs)
		t.traceModel(place{phase: "start"}, false)
		for epoch := range cfg.Epochs {
			if err := obs.EpochStart(epoch); err != nil {
				return err
			}
			if _, err := t.phase(epoch, "train", train); err != nil {
				return err
			}
			sched.Step()
			reached, err := t.phase(epoch, "val", val)
			if err != nil {
				return err
			}
			better := reached.Acc > best.Acc
			if better || best.Corrects == 0 {
				weights.take()
				best = reached
			}
			if better {
				if err := obs.Best(reached); err != nil {
					return err
				}
			}
			if err := obs.EpochEnd(epoch); err != nil {
				return err
			}
		}
		return nil
	})
	return best, err
}

// Evaluate returns the loss and accuracy of model over the images of loader, in evaluation mode. cfg's Epochs,
// Trace, Graph and Resident are not heeded.
func Evaluate(ctx context.Context, s *torch.Scope, model nn.Module, loader *dataset.Loader, cfg Config) (metrics.Phase, error) {
	cfg.Epochs, cfg.Trace = 1, nil
	if err := cfg.validate(); err != nil {
		return metrics.Phase{}, err
	}
	if err := cfg.foldable(model); err != nil {
		return metrics.Phase{}, err
	}
	c := s.Child()
	defer c.Close()
	return newTraining(ctx, c, model, nil, cfg, Silent{}).phase(0, "val", newRing(&memory{scope: c, device: cfg.Device}, loader))
}

// Silent is the Observer of who wants none.
type Silent struct{}

// EpochStart implements Observer.
func (Silent) EpochStart(int) error { return nil }

// Step implements Observer.
func (Silent) Step(int, string, int, int) {}

// PhaseEnd implements Observer.
func (Silent) PhaseEnd(metrics.Phase) error { return nil }

// Best implements Observer.
func (Silent) Best(metrics.Phase) error { return nil }

// EpochEnd implements Observer.
func (Silent) EpochEnd(int) error { return nil }
