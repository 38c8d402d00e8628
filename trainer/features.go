package trainer

import (
	"context"
	"fmt"
	"io"

	"hymenoptera/dataset"
	"hymenoptera/internal/mt19937"
	"hymenoptera/metrics"
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
)

// Features are what a network that is not trained makes of a set's images, computed once.
type Features struct {
	loader *dataset.Loader // of the images
	views  [][]float32     // N×C each; epoch e takes view e mod their number
	width  int             // C
	labels []int64         // N
	batch  int
	device torch.Device
}

// Extract passes the images of loader, which must not shuffle, cfg.Views times through model, in evaluation mode and
// without autograd, and keeps the vectors N×C that it makes of them. With random crops every pass is another view of the
// images. Of cfg it uses Mode, Views and Hooks.Step.
func Extract(ctx context.Context, s *torch.Scope, model nn.Module, loader *dataset.Loader, cfg Config) (*Features, error) {
	if err := cfg.Mode.validate(model); err != nil {
		return nil, err
	}
	c := s.Child()
	defer c.Close()
	nn.SetTraining(model, false)
	model = cfg.Inference(c, model)
	n, _, _ := loader.SlotShape()
	f := &Features{loader: loader, labels: make([]int64, loader.Len()), batch: n, device: cfg.Device}
	r := newRing(&memory{scope: c, device: cfg.Device}, loader)
	views, step := max(1, cfg.Views), cfg.Hooks.filled().Step
	for view := range views {
		f.views = append(f.views, nil)
		if err := f.extract(ctx, c, model, r, func(done int) {
			step(0, "features", view*loader.Len()+done, views*loader.Len())
		}); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// extract makes the last view.
func (f *Features) extract(ctx context.Context, s *torch.Scope, model nn.Module, r *ring, step func(done int)) error {
	view := len(f.views) - 1
	batches, err := r.pass(ctx, 0)
	if err != nil {
		return err
	}
	defer batches.Close()
	for done := 0; ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		b, err := batches.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		f.views[view] = append(f.views[view], forward(s, model, r, b)...)
		f.width = len(f.views[view]) / (done + b.N)
		for i, index := range b.Indices {
			if index != done+i {
				return fmt.Errorf("trainer: features of a loader that shuffles")
			}
			f.labels[index] = b.Labels[i]
		}
		done += b.N
		b.Release()
		step(done)
	}
}

// forward returns what the model makes of a batch, on the host.
func forward(s *torch.Scope, model nn.Module, r *ring, b *dataset.Batch) (vectors []float32) {
	c := s.Child()
	defer c.Close()
	torch.NoGrad(func() {
		images, _ := r.tensors(c, b)
		vectors = torch.Float32s(c, torch.To(c, model.Forward(c, images), torch.CPU))
	})
	return vectors
}

// FeatureData holds the features of the two sets.
type FeatureData struct {
	Train, Val *Features
}

// FitFeatures is [Fit] for a head that takes features instead of images. Both sets are shuffled, as a DataLoader
// without workers does it.
func FitFeatures(ctx context.Context, s *torch.Scope, head nn.Module, data FeatureData, cfg Config) (best metrics.Phase, err error) {
	if err := cfg.validateTraining(); err != nil {
		return best, err
	}
	c := s.Child()
	defer c.Close()
	return fit(ctx, c, head, [2]set{data.Train, data.Val}, cfg)
}

// Len and Path implement set.
func (f *Features) Len() int          { return f.loader.Len() }
func (f *Features) Path(i int) string { return f.loader.Path(i) }

// pass implements set.
func (f *Features) pass(_ context.Context, epoch int) (pass, error) {
	mt19937.Int64(torch.Generator{}) // the workers' base seed, which no worker needs
	order := make([]int, f.Len())
	mt19937.Perm(mt19937.New(uint64(mt19937.Int64(torch.Generator{}))), order)
	return &featurePass{features: f, view: f.views[epoch%len(f.views)], order: order}, nil
}

// tensors implements set.
func (f *Features) tensors(s *torch.Scope, b *dataset.Batch) (inputs, labels *torch.Tensor) {
	inputs = torch.FromFloat32s(s, b.Images, int64(b.N), int64(f.width))
	return torch.To(s, inputs, f.device), upload(s, b.Labels, f.device)
}

// A featurePass is a shuffled pass over one view. A batch's Images are its vectors N×C.
type featurePass struct {
	features *Features
	view     []float32
	order    []int // what is left
}

func (p *featurePass) Next() (*dataset.Batch, error) {
	f := p.features
	n := min(f.batch, len(p.order))
	if n == 0 {
		return nil, io.EOF
	}
	b := &dataset.Batch{N: n, Indices: p.order[:n]}
	p.order = p.order[n:]
	for _, i := range b.Indices {
		b.Images = append(b.Images, p.view[i*f.width:(i+1)*f.width]...)
		b.Labels = append(b.Labels, f.labels[i])
	}
	return b, nil
}

func (p *featurePass) Close() {}
