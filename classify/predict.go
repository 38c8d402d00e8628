package classify

import (
	"cmp"
	"context"
	"fmt"

	"hymenoptera/dataset"
	"hymenoptera/metrics"
	"hymenoptera/torch"
)

// A Prediction is the network's answer for one picture.
type Prediction struct {
	Logits        []float32 // one per class
	Probabilities []float32 // their softmax; with a threshold, at the temperature of the calibration
	Unsure        bool      // if the most probable class is less probable than the threshold
}

// Best returns the index of the most probable class.
func (p Prediction) Best() int { return metrics.ArgMax(p.Probabilities) }

// Top returns the indices of the k most probable classes, or of all if there are fewer, the first of several equal ones first.
func (p Prediction) Top(k int) []int {
	ps := p.Probabilities
	return metrics.Order(len(ps), func(a, b int) int { return cmp.Compare(ps[b], ps[a]) })[:min(k, len(ps))]
}

// An Input is a picture prepared for the network: cropped, resized and normalised.
type Input []float32

// Predict passes pictures through the network as one batch and returns a prediction for each. A picture is the
// content of a file of any format that dataset.Decode takes. If one cannot be decoded, the error says which; if
// logits are NaN or infinite, it is a [*NotFiniteError]. Cancelling ctx has no effect once the network has begun.
func (c *Classifier) Predict(ctx context.Context, pictures ...[]byte) ([]Prediction, error) {
	p, err := c.Preparer()
	if err != nil {
		return nil, err
	}
	defer p.Close()
	inputs := make([]Input, len(pictures))
	for i, data := range pictures {
		inputs[i] = make(Input, p.Len())
		if err := p.Prepare(ctx, inputs[i], data); err != nil {
			return nil, fmt.Errorf("classify: picture %d: %w", i, err)
		}
	}
	return c.PredictInputs(ctx, inputs)
}

// Preparer returns a preparer of inputs for this classifier. It must be closed. One goroutine at a time may use it;
// several preparers can prepare pictures at once while the network computes.
func (c *Classifier) Preparer() (*dataset.Preparer, error) {
	return dataset.NewPreparer(c.Preprocessing, c.mode.ChannelsLast)
}

// PredictInputs is Predict for pictures that a preparer of this classifier has decoded.
func (c *Classifier) PredictInputs(ctx context.Context, inputs []Input) ([]Prediction, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.scope == nil {
		return nil, ErrClosed
	}
	if len(inputs) == 0 {
		return nil, nil
	}
	side := c.Preprocessing.Size
	batch := make([]float32, 0, len(inputs)*3*side*side)
	for i, input := range inputs {
		if len(input) != 3*side*side {
			return nil, fmt.Errorf("classify: input %d has %d floats: want 3×%d×%d, as a preparer of the same classifier makes it", i, len(input), side, side)
		}
		batch = append(batch, input...)
	}
	var logits, probabilities []float32 // N×classes
	err := torch.Do(ctx, func(s *torch.Scope) error {
		torch.NoGrad(func() {
			y := c.net.Forward(s, c.images(s, batch, int64(side)))
			logits, probabilities = host(s, y), host(s, torch.Softmax(s, y, 1))
		})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("classify: %s: %w", c.path, err)
	}
	if !finite(logits) {
		return nil, &NotFiniteError{c.path}
	}
	predictions := make([]Prediction, len(inputs))
	for i := range predictions {
		n := len(c.Classes)
		predictions[i] = Prediction{Logits: logits[i*n : (i+1)*n], Probabilities: probabilities[i*n : (i+1)*n]}
		c.calibrate(&predictions[i])
	}
	return predictions, nil
}

// images returns a batch as a tensor N×3×H×W on the classifier's device.
func (c *Classifier) images(s *torch.Scope, batch []float32, side int64) *torch.Tensor {
	n := int64(len(batch)) / (3 * side * side)
	if c.mode.ChannelsLast {
		x := torch.FromFloat32s(s, batch, n, side, side, 3)
		return torch.To(s, torch.Permute(s, x, 0, 3, 1, 2), c.mode.Device)
	}
	return torch.To(s, torch.FromFloat32s(s, batch, n, 3, side, side), c.mode.Device)
}

// finite reports whether all values are finite.
func finite(values []float32) bool {
	for _, v := range values {
		if v-v != 0 { // NaN for infinities and NaN
			return false
		}
	}
	return true
}

// host returns the values of a tensor on any device.
func host(s *torch.Scope, t *torch.Tensor) []float32 {
	return torch.Float32s(s, torch.To(s, t, torch.CPU))
}
