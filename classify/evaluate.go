package classify

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"hymenoptera/dataset"
	"hymenoptera/metrics"
	"hymenoptera/torch"
	"hymenoptera/trainer"
)

// An Evaluation is the result of a classifier on a labelled set.
type Evaluation struct {
	metrics.Phase                      // with the loss of the training's criterion
	Labels        []int                // the true class of each sample, an index into the classifier's classes
	Predictions   []Prediction         // one per sample
	Folder        *dataset.ImageFolder // the samples
}

// Evaluate passes a set through the network in its order, in batches that workers goroutines prepare. The
// set's classes must be among the classifier's.
func (c *Classifier) Evaluate(ctx context.Context, folder *dataset.ImageFolder, batch, workers int) (*Evaluation, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.scope == nil {
		return nil, ErrClosed
	}
	folder, err := c.relabelled(folder)
	if err != nil {
		return nil, err
	}
	loader, err := dataset.NewLoader(folder, c.Preprocessing, dataset.LoaderConfig{BatchSize: batch, Workers: workers,
		ChannelsLast: c.mode.ChannelsLast, Pixels: c.mode.Pixels, Warn: c.cfg.Warn})
	if err != nil {
		return nil, err
	}
	cfg := trainer.Config{Mode: trainer.Mode{Device: c.mode.Device}} // c.net is in the form for inference already
	loss, err := c.criterion()
	if err != nil {
		return nil, err
	}
	cfg.LabelSmoothing = loss.LabelSmoothing
	for _, w := range loss.ClassWeights {
		cfg.ClassWeights = append(cfg.ClassWeights, float32(w))
	}
	e := &Evaluation{Folder: folder}
	bad := false // a value that is not finite
	err = torch.Do(ctx, func(s *torch.Scope) error {
		cfg.Hooks.Batch = func(b trainer.Batch) {
			n := len(c.Classes)
			scope := s.Child()
			defer scope.Close()
			all, probabilities := host(scope, b.Logits), host(scope, torch.Softmax(scope, b.Logits, 1))
			bad = bad || !finite(all)
			for i := range b.Labels {
				e.Labels = append(e.Labels, int(b.Labels[i]))
				p := Prediction{Logits: all[i*n : (i+1)*n], Probabilities: probabilities[i*n : (i+1)*n]}
				c.calibrate(&p)
				e.Predictions = append(e.Predictions, p)
			}
		}
		e.Phase, err = trainer.Evaluate(ctx, s, c.net, loader, cfg)
		return err
	})
	if bad { // the trainer's error would blame the training
		return nil, &NotFiniteError{c.path}
	}
	return e, err
}

// relabelled returns the folder with labels that are indices into the classifier's classes.
func (c *Classifier) relabelled(folder *dataset.ImageFolder) (*dataset.ImageFolder, error) {
	labels := make([]int, len(folder.Classes))
	for i, class := range folder.Classes {
		if labels[i] = slices.Index(c.Classes, class); labels[i] < 0 {
			return nil, fmt.Errorf("classify: %s has a class %s, which the network does not know: its classes are %s", folder.Root, dataset.Shown(class)[0], strings.Join(dataset.Shown(c.Classes...), ", "))
		}
	}
	out := &dataset.ImageFolder{Root: folder.Root, Classes: c.Classes, Samples: slices.Clone(folder.Samples)}
	for i := range out.Samples {
		out.Samples[i].Label = labels[out.Samples[i].Label]
	}
	return out, nil
}

// A Criterion holds the options of the loss, which is cross entropy.
type Criterion struct {
	LabelSmoothing float64   `json:"label_smoothing"`         // share of each label that is spread over all classes
	ClassWeights   []float64 `json:"class_weights,omitempty"` // one per class, in the order of their names; nil for none
}

// criterion returns the criterion of the training.
func (c *Classifier) criterion() (used Criterion, err error) {
	if err := json.Unmarshal(c.Config, &used); err != nil {
		return used, fmt.Errorf("classify: the metadata are damaged: config is %q", c.Config)
	}
	if n := len(used.ClassWeights); n != 0 && n != len(c.Classes) {
		return used, fmt.Errorf("classify: the metadata are damaged: %d class weights for %d classes", n, len(c.Classes))
	}
	return used, nil
}
