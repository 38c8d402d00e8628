// Package classify uses a trained network: it tells what pictures show.
//
//	c, err := classify.Open(ctx, "runs/bees/best.safetensors")
//	defer c.Close()
//	predictions, err := c.Predict(ctx, picture) // the bytes of a JPEG, PNG, …
//	fmt.Println(c.Classes[predictions[0].Best()])
//
// The file says which model it holds, what its classes are called and how pictures are prepared. Nothing is
// trained here.
package classify

import (
	"context"
	"errors"
	"fmt"
	"image"
	"sync"

	"hymenoptera/checkpoint"
	"hymenoptera/dataset"
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
	"hymenoptera/transforms"
	"hymenoptera/zoo"
)

// A Classifier is a trained network on the CPU. It may be used from several goroutines, which take turns on
// libtorch's thread.
type Classifier struct {
	Card
	net   zoo.Network
	norm  *transforms.Normalizer
	mu    sync.RWMutex // held for writing by Close
	scope *torch.Scope // owns the weights; nil once closed
}

// ErrClosed is what a closed classifier returns.
var ErrClosed = errors.New("classify: the classifier is closed")

// Open reads the best.safetensors of a run. The classifier must be closed.
func Open(ctx context.Context, path string) (*Classifier, error) {
	weights, err := checkpoint.Read(path)
	if err != nil {
		return nil, err
	}
	c := &Classifier{scope: torch.NewScope()}
	if c.Card, err = readCard(weights.Metadata); err != nil {
		return nil, fmt.Errorf("classify: %s: %w", path, err)
	}
	c.norm = transforms.NewNormalizer(c.Preprocessing.Mean, c.Preprocessing.Std)
	arch, err := zoo.Find(c.Model)
	if err != nil {
		return nil, fmt.Errorf("classify: %s: %w", path, err)
	}
	err = torch.Do(ctx, func(*torch.Scope) (err error) {
		if c.net, err = arch.Load(c.scope, weights); err != nil {
			return err
		}
		if n := c.net.Head().Out(); n != int64(len(c.Classes)) {
			return fmt.Errorf("it has a head for %d classes and names %d", n, len(c.Classes))
		}
		nn.SetTraining(c.net, false)
		return nil
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("classify: %s: %w", path, err), c.Close())
	}
	return c, nil
}

// Close frees the weights, after the predictions that are under way.
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

// A Prediction is what the network says of one picture.
type Prediction struct {
	Logits        []float32 // one a class
	Probabilities []float32 // their softmax
}

// Best returns the index of the most probable class.
func (p Prediction) Best() int {
	best := 0
	for i, v := range p.Probabilities {
		if v > p.Probabilities[best] {
			best = i
		}
	}
	return best
}

// Predict passes pictures through the network as one batch and returns a prediction for each. A picture is the
// content of a file of any format that dataset.Decode takes; an error names the first that is none by its index.
// ctx is heeded until the network begins.
func (c *Classifier) Predict(ctx context.Context, pictures ...[]byte) ([]Prediction, error) {
	if len(pictures) == 0 {
		return nil, nil
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.scope == nil {
		return nil, ErrClosed
	}
	side := c.Preprocessing.Size
	each := 3 * side * side
	batch := make([]float32, len(pictures)*each)
	for i, data := range pictures {
		if err := c.prepare(batch[i*each:(i+1)*each], data); err != nil {
			return nil, fmt.Errorf("classify: picture %d: %w", i, err)
		}
	}
	var logits, probabilities []float32 // N×classes
	err := torch.Do(ctx, func(s *torch.Scope) error {
		torch.NoGrad(func() {
			x := torch.FromFloat32s(s, batch, int64(len(pictures)), 3, int64(side), int64(side))
			y := c.net.Forward(s, x)
			logits, probabilities = torch.Float32s(s, y), torch.Float32s(s, torch.Softmax(s, y, 1))
		})
		return nil
	})
	if err != nil {
		return nil, err
	}
	predictions := make([]Prediction, len(pictures))
	for i := range predictions {
		n := len(c.Classes)
		predictions[i] = Prediction{Logits: logits[i*n : (i+1)*n], Probabilities: probabilities[i*n : (i+1)*n]}
	}
	return predictions, nil
}

// prepare writes the sample of 3×H×W floats that a picture is to the network.
func (c *Classifier) prepare(dst []float32, data []byte) error {
	var picture, sample transforms.Image
	if err := dataset.Decode(&picture, data); err != nil {
		return err
	}
	plan := c.Preprocessing.Plan(picture.Width, picture.Height, nil)
	var r transforms.Resizer
	r.Resize(&sample, &picture, image.Point{}, plan)
	c.norm.Apply(dst, &sample, false)
	return nil
}
