// Package trainer has the notebook's train_model: a training and a validation phase per epoch, with the best weights
// copied and restored at the end.
//
//	cfg := trainer.DefaultConfig()
//	cfg.Optimizer = optim.NewSGD(s, nn.Trainable(model), optim.SGDConfig{LR: 0.001, Momentum: 0.9})
//	best, err := trainer.Fit(ctx, s, model, trainer.Data{Train: train, Val: val}, cfg)
//
// It trains any nn.Module that maps images N×3×H×W to logits N×classes. Orders, crops and dropout are drawn from
// libtorch's default generator, so call torch.ManualSeed first to repeat a training. The package writes no files and prints
// nothing: callers do that in [Hooks].
package trainer

import (
	"errors"
	"fmt"

	"hymenoptera/metrics"
	"hymenoptera/torch/nn"
	"hymenoptera/torch/optim"
)

// Config is the configuration of a training.
type Config struct {
	Epochs int // at least 1
	Mode       // where and how to compute

	Optimizer optim.Optimizer // updates the weights; Fit and FitFeatures need one
	Scheduler optim.Scheduler // changes the learning rates after each training phase; nil leaves them as they are
	ByStep    bool            // Scheduler changes them after each training step instead
	ClipNorm  float64         // upper bound of the total norm of the gradients; 0 for none
	EMA       float64         // decay of the average of the weights that is validated and kept; 0 for the weights themselves
	Best      metrics.Rule    // which weights are kept
	Hooks     Hooks           // called during the training
	Group     Group           // the processes that train together; nil for one
	Resume    *State          // if not nil, Fit continues from there

	Head       nn.Module // the only part of the model that is trained in the first HeadEpochs epochs
	HeadEpochs int       // the rest of the model then requires no gradients, but its BatchNorm statistics move

	LabelSmoothing float64   // of the cross entropy, 0 to 1
	ClassWeights   []float32 // of the cross entropy, one per class; nil for none

	// Resident is the number of bytes of the device's memory for decoded images. A set that fits is cropped, resized
	// and mirrored there, in floats. With 0 the loaders do that.
	Resident int64
	// Views is the number of passes of Extract over the images; 0 means 1.
	Views int
}

// DefaultConfig returns the notebook's 25 epochs, on the CPU.
func DefaultConfig() Config { return Config{Epochs: 25} }

// validate returns an error for a configuration that cannot evaluate the model.
func (c Config) validate(model nn.Module) error {
	switch {
	case c.Epochs < 1:
		return fmt.Errorf("trainer: %d epochs: want at least 1", c.Epochs)
	case c.LabelSmoothing < 0 || c.LabelSmoothing > 1:
		return fmt.Errorf("trainer: label smoothing %v: want 0 to 1", c.LabelSmoothing)
	case c.EMA < 0 || c.EMA >= 1:
		return fmt.Errorf("trainer: decay %v of the average: want 0 or more and less than 1", c.EMA)
	case !(c.ClipNorm >= 0):
		return fmt.Errorf("trainer: bound %v of the gradients' norm: want 0 or more", c.ClipNorm)
	case c.HeadEpochs > 0 && c.Head == nil:
		return errors.New("trainer: HeadEpochs without a Head")
	}
	if err := c.Mode.validate(model); err != nil {
		return err
	}
	return nn.Check(model)
}

// validateTraining returns an error for a configuration that cannot train the model.
func (c Config) validateTraining(model nn.Module) error {
	if c.Optimizer == nil {
		return errors.New("trainer: a training needs an optimizer")
	}
	return c.validate(model)
}
