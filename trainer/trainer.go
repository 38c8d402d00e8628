// Package trainer is the notebook's train_model: per epoch a training and a validation phase, the best
// weights kept by a deep copy and restored at the end.
//
//	cfg := trainer.DefaultConfig()
//	cfg.Optimizer = optim.NewSGD(s, nn.Trainable(model), optim.SGDConfig{LR: 0.001, Momentum: 0.9})
//	best, err := trainer.Fit(ctx, s, model, trainer.Data{Train: train, Val: val}, cfg)
//
// It trains any nn.Module that maps images N×3×H×W to logits N×classes. It writes no file and prints nothing:
// callers do, in [Hooks].
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

// Config says how long, where and with what to train.
type Config struct {
	Epochs int // at least 1
	Mode       // where and how to compute

	Optimizer optim.Optimizer // updates the weights; Fit and FitFeatures need one
	Scheduler optim.Scheduler // changes the learning rate after each training phase; nil leaves it as it is
	Hooks     Hooks           // called as the training goes on

	LabelSmoothing float64   // of the cross entropy, 0 to 1
	ClassWeights   []float32 // of the cross entropy, one per class; nil for none

	// Resident is how many bytes of the device's memory the decoded images may take: a set that fits is cropped,
	// resized and mirrored there, in floats. With 0 the loaders do that.
	Resident int64
	// Views is how many times Extract passes over the images; 0 is 1.
	Views int
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

// validateTraining finds what else Fit cannot train with.
func (c Config) validateTraining() error {
	if err := c.validate(); err != nil {
		return err
	}
	if c.Optimizer == nil {
		return errors.New("trainer: a training needs an optimizer")
	}
	return nil
}

// Data holds the two sets.
type Data struct {
	Train, Val *dataset.Loader
}

// Fit trains model for cfg.Epochs epochs and leaves it with the weights of the best validation phase,
// which it returns: the first with the highest accuracy or, where none got any image right, the last (N is 0 when none
// has ended). The notebook returns the weights from before the training there, whose new head knows nothing. When ctx
// is cancelled it returns after the current step, and on every error too, also where an operation of libtorch fails in an
// epoch, the model holds the best weights, unless its device has failed altogether.
func Fit(ctx context.Context, s *torch.Scope, model nn.Module, data Data, cfg Config) (best metrics.Phase, err error) {
	if err := cfg.Mode.validate(model); err != nil {
		return best, err
	}
	if err := cfg.validateTraining(); err != nil { // before tensors are made
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
	return fit(ctx, c, model, [2]set{train, val}, cfg)
}

// fit is Fit for any two sets, to train and to validate with.
func fit(ctx context.Context, s *torch.Scope, model nn.Module, sets [2]set, cfg Config) (best metrics.Phase, err error) {
	weights := newSnapshot(s, model)
	defer func() {
		if lost := torch.Do(ctx, func(*torch.Scope) error { weights.restore(); return nil }); lost != nil {
			err = errors.Join(err, lost)
		}
	}()
	err = torch.Do(ctx, func(*torch.Scope) error {
		t := newTraining(ctx, s, model, cfg)
		t.traceModel(place{phase: "start"}, false)
		for epoch := range cfg.Epochs {
			if err := t.cfg.Hooks.EpochStart(epoch); err != nil {
				return err
			}
			if _, err := t.phase(epoch, "train", sets[0]); err != nil {
				return err
			}
			if cfg.Scheduler != nil {
				cfg.Scheduler.Step()
			}
			reached, err := t.phase(epoch, "val", sets[1])
			if err != nil {
				return err
			}
			better := reached.Acc > best.Acc
			if better || best.Corrects == 0 {
				weights.take()
				best = reached
			}
			if better {
				if err := t.cfg.Hooks.Best(reached); err != nil {
					return err
				}
			}
			if err := t.cfg.Hooks.EpochEnd(epoch); err != nil {
				return err
			}
		}
		return nil
	})
	return best, err
}

// Evaluate returns the loss and accuracy of model over the images of loader, in evaluation mode. cfg's Epochs,
// Optimizer, Scheduler, Graph and Resident have no effect.
func Evaluate(ctx context.Context, s *torch.Scope, model nn.Module, loader *dataset.Loader, cfg Config) (metrics.Phase, error) {
	cfg.Epochs, cfg.Optimizer = 1, nil
	if err := cfg.validate(); err != nil {
		return metrics.Phase{}, err
	}
	if err := cfg.Mode.validate(model); err != nil {
		return metrics.Phase{}, err
	}
	c := s.Child()
	defer c.Close()
	return newTraining(ctx, c, model, cfg).phase(0, "val", newRing(&memory{scope: c, device: cfg.Device}, loader))
}
