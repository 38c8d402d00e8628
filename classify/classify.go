// Package classify uses a trained network: it finds the classes of pictures.
//
//	c, err := classify.Open(ctx, "runs/bees/best.safetensors")
//	defer c.Close()
//	predictions, err := c.Predict(ctx, picture) // the bytes of a JPEG, PNG, …
//	fmt.Println(c.Classes[predictions[0].Best()])
//
// The file names the model and its classes, and says how pictures are prepared.
package classify

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"hymenoptera/checkpoint"
	"hymenoptera/dataset"
	"hymenoptera/internal/machine"
	"hymenoptera/metrics"
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
	"hymenoptera/trainer"
	"hymenoptera/zoo"
)

// Config says where and how a classifier computes.
type Config struct {
	Device torch.Device
	// Fast gives up the exact bits of training's validation for speed: BatchNorms become part of their convolutions,
	// which compute in bfloat16 if the device multiplies it.
	Fast bool
	// Mirror takes the mean of the logits of each picture and of its mirror image.
	Mirror bool
	// Threshold makes a prediction unsure if its most probable class is less probable than this, and Precision if it is less
	// probable than the lowest threshold that reached this precision in validation. With either, probabilities are those of
	// logits divided by the temperature of the calibration. 0 has no effect; one of them must be 0.
	Threshold, Precision float64
	// Warn, if not nil, is called for every unusual picture of a stream or an evaluation, from several goroutines.
	Warn func(dataset.Warning)
}

// DefaultConfig returns the exact mode on the CPU.
func DefaultConfig() Config { return Config{} }

func (c Config) validate() error {
	share := func(v float64) bool { return v >= 0 && v <= 1 }
	if !share(c.Threshold) || !share(c.Precision) || c.Threshold > 0 && c.Precision > 0 {
		return fmt.Errorf("classify: threshold %v and precision %v: want one of them, from 0 to 1", c.Threshold, c.Precision)
	}
	return nil
}

// A Classifier is a trained network. It may be used from several goroutines, which take turns on libtorch's
// thread.
type Classifier struct {
	Card
	Cut     metrics.Cut // predictions below its threshold are unsure; precision and coverage are 0 if unknown
	path    string
	cfg     Config
	mode    trainer.Mode
	net     nn.Module
	looking nn.Module    // net, but without Mirror
	mu      sync.RWMutex // held for writing by Close
	scope   *torch.Scope // owns the weights; nil once closed
}

// A NotFiniteError says that a network's logits are NaN or infinite, so the weights in its file cannot be used.
type NotFiniteError struct{ Path string }

func (e *NotFiniteError) Error() string {
	return fmt.Sprintf("classify: %s: the output of the network is not finite: its weights hold NaN, infinity or far too large values", e.Path)
}

// ErrClosed is the error of a closed classifier.
var ErrClosed = errors.New("classify: the classifier is closed")

// Open reads the best.safetensors of a run. The classifier must be closed.
func Open(ctx context.Context, path string) (*Classifier, error) {
	return OpenConfig(ctx, path, DefaultConfig())
}

// OpenConfig is Open with a configuration. It runs the network on one picture: if the logits are not finite, the
// error is a [*NotFiniteError].
func OpenConfig(ctx context.Context, path string, cfg Config) (*Classifier, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	weights, card, err := Read(path)
	if err != nil {
		return nil, err
	}
	cut, err := card.Calibration.newCut(path, cfg)
	if err != nil {
		return nil, err
	}
	c := &Classifier{Card: card, Cut: cut, path: path, cfg: cfg, mode: trainer.ModeOf(cfg.Device, cfg.Fast), scope: torch.NewScope()}
	if err := c.checkMemory(machine.This().FreeMemory()); err != nil {
		return nil, fmt.Errorf("classify: %s: %w", path, err)
	}
	if err := torch.Do(ctx, func(*torch.Scope) error { return c.load(weights) }); err != nil {
		return nil, errors.Join(fmt.Errorf("classify: %s: %w", path, err), c.Close())
	}
	if err := c.try(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Read reads the best.safetensors of a run, without making a network: the weights, and the card in their metadata.
func Read(path string) (weights *checkpoint.StateDict, card Card, err error) {
	if weights, err = checkpoint.Read(path); err != nil {
		return nil, card, err
	}
	if card, err = ReadCard(weights.Metadata); err != nil {
		return nil, card, fmt.Errorf("classify: %s: %w", path, err)
	}
	return weights, card, nil
}

// try passes a bright picture through the network.
func (c *Classifier) try(ctx context.Context) error {
	side := c.Preprocessing.Size
	input := make(Input, 3*side*side)
	for i := range input {
		input[i] = 1
	}
	_, err := c.PredictInputs(ctx, []Input{input})
	return err
}

// load makes the network.
func (c *Classifier) load(weights *checkpoint.StateDict) error {
	arch, err := zoo.Find(c.Model)
	if err != nil {
		return err
	}
	net, err := arch.Load(c.scope, weights)
	if err != nil {
		return err
	}
	if n := net.Head().Out(); n != int64(len(c.Classes)) {
		return fmt.Errorf("it has a head for %d classes and names %d", n, len(c.Classes))
	}
	nn.SetTraining(net, false)
	nn.To(net, c.mode.Device)
	c.net = c.mode.Inference(c.scope, net)
	c.looking = c.net
	if c.cfg.Mirror {
		c.net = mirrored{c.net}
	}
	return nil
}

// Close waits for predictions in progress and frees the weights.
func (c *Classifier) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.scope == nil {
		return nil
	}
	scope := c.scope
	c.scope = nil
	return torch.Do(context.Background(), func(*torch.Scope) error { scope.Close(); return nil })
}
