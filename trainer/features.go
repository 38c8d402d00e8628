package trainer

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"hymenoptera/dataset"
	"hymenoptera/internal/mt19937"
	"hymenoptera/metrics"
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
)

// Features are the vectors of a set's images from a frozen network, computed once.
type Features struct {
	loader *dataset.Loader // of the images
	views  [][]float32     // N×C each; epoch e uses view e mod len(views)
	width  int             // C
	labels []int64         // N
	batch  int
	device torch.Device
}

// Extract passes the images of loader through model, cfg.Views times, in evaluation mode and without autograd, and keeps the
// resulting vectors N×C. The loader must not shuffle. With random crops every pass gives another view of the images. Extract
// uses only Mode, Views and Hooks.Step of cfg.
func Extract(ctx context.Context, s *torch.Scope, model nn.Module, loader *dataset.Loader, cfg Config) (*Features, error) {
	if err := cfg.Mode.validate(model); err != nil {
		return nil, err
	}
	c := s.Child()
	defer c.Close()
	nn.SetTraining(model, false)
	model = cfg.Inference(c, model)
	f := &Features{loader: loader, labels: make([]int64, loader.Len()), batch: loader.Layout().N, device: cfg.Device}
	host := newHostFeed(c, loader, cfg.Device, nil)
	views, step := max(1, cfg.Views), cfg.Hooks.filled().Step
	for view := range views {
		f.views = append(f.views, nil)
		if err := f.extract(ctx, c, model, host, func(done int) {
			step(0, "features", view*loader.Len()+done, views*loader.Len())
		}); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// extract makes the last view.
func (f *Features) extract(ctx context.Context, s *torch.Scope, model nn.Module, host *hostFeed, step func(done int)) error {
	done, view := 0, &f.views[len(f.views)-1]
	for b, err := range host.batches(ctx, s, 0, dataset.Position{}) {
		if err != nil {
			return err
		}
		torch.NoGrad(func() {
			y := model.Forward(b.scope, b.Inputs) // N×C
			*view = append(*view, torch.Float32s(b.scope, torch.To(b.scope, y, torch.CPU))...)
		})
		for i, index := range b.Samples {
			if index != done+i {
				return errors.New("trainer: features of a loader that shuffles")
			}
			f.labels[index] = b.Labels[i]
		}
		done += len(b.Samples)
		f.width = len(*view) / done
		step(done)
	}
	return nil
}

// FeatureData holds the features of the two sets.
type FeatureData struct {
	Train, Val *Features
}

// FitFeatures is [Fit] for a head that takes features instead of images. It shuffles both sets as a DataLoader
// without workers does.
func FitFeatures(ctx context.Context, s *torch.Scope, head nn.Module, data FeatureData, cfg Config) (best metrics.Phase, err error) {
	if err := cfg.validateTraining(head); err != nil {
		return best, err
	}
	if cfg.Group != nil {
		return best, errors.New("trainer: a head is trained on features by one process, not by a group")
	}
	c := s.Child()
	defer c.Close()
	return newLoop(c, head, cfg).fit(ctx, data.Train, data.Val)
}

// Len, Path and drawn implement feed.
func (f *Features) Len() int          { return f.loader.Len() }
func (f *Features) Path(i int) string { return f.loader.Path(i) }
func (f *Features) drawn() []uint64   { return nil }

// Check implements feed.
func (f *Features) Check(at dataset.Position) error { return checkPlanned(f.loader, at) }

// checkPlanned returns an error for a position that no pass of loader reaches if it makes all draws at its beginning.
func checkPlanned(loader *dataset.Loader, at dataset.Position) error {
	if at.Batches < 0 || at.Batches > loader.Batches() || at.Drawn != nil {
		return fmt.Errorf("it is at %+v of %d batches, whose draws are planned", at, loader.Batches())
	}
	return nil
}

// batches implements feed: a shuffled pass over one view.
func (f *Features) batches(_ context.Context, s *torch.Scope, epoch int, at dataset.Position) iter.Seq2[batch, error] {
	mt19937.Int64(torch.Generator{}) // the base seed of the workers, which are not needed here
	order := make([]int, f.Len())
	mt19937.Perm(mt19937.New(uint64(mt19937.Int64(torch.Generator{}))), order)
	order = order[min(at.Batches*f.batch, len(order)):]
	view := f.views[epoch%len(f.views)]
	return func(yield func(batch, error) bool) {
		for samples := range slices.Chunk(order, f.batch) {
			if !f.give(s, view, samples, yield) {
				return
			}
		}
	}
}

// give yields the vectors N×C of samples.
func (f *Features) give(s *torch.Scope, view []float32, samples []int, yield func(batch, error) bool) bool {
	s = s.Child()
	defer s.Close()
	var vectors []float32
	var labels []int64
	for _, i := range samples {
		vectors = append(vectors, view[i*f.width:(i+1)*f.width]...)
		labels = append(labels, f.labels[i])
	}
	inputs := torch.To(s, torch.FromFloat32s(s, vectors, int64(len(samples)), int64(f.width)), f.device)
	return yield(batch{Batch{Samples: samples, Labels: labels, Inputs: inputs}, upload(s, labels, f.device), s, 0}, nil)
}

// Vectors returns the features of the first view, N×C in the order of the samples, and C.
func (f *Features) Vectors() (values []float32, width int) { return f.views[0], f.width }
