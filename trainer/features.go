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
	"hymenoptera/torch/optim"
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

// Extract passes the images of loader, which must not shuffle, the given number of times through model, in evaluation
// mode and without autograd, and keeps the vectors N×C that it makes of them. With random crops every pass is another
// view of the images. step, where not nil, is told how many of all are through. Of cfg it heeds Device, BFloat16 and Fold.
func Extract(ctx context.Context, s *torch.Scope, model nn.Module, loader *dataset.Loader, views int, cfg Config, step func(done, n int)) (*Features, error) {
	if err := cfg.foldable(model); err != nil {
		return nil, err
	}
	c := s.Child()
	defer c.Close()
	nn.SetTraining(model, false)
	if cfg.Fold {
		model = model.(Folder).Fold(c, cfg.dtype())
	}
	n, _, _ := loader.SlotShape()
	f := &Features{loader: loader, labels: make([]int64, loader.Len()), batch: n, device: cfg.Device}
	r := newRing(&memory{scope: c, device: cfg.Device}, loader)
	for view := range views {
		f.views = append(f.views, nil)
		if err := f.extract(ctx, c, model, r, view, func(done int) {
			if step != nil {
				step(view*loader.Len()+done, views*loader.Len())
			}
		}); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// extract makes one view.
func (f *Features) extract(ctx context.Context, s *torch.Scope, model nn.Module, r *ring, view int, step func(done int)) error {
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

// FitFeatures is [Fit] for a head that takes features in the place of images. Both sets are shuffled, as a DataLoader
// without workers does it.
func FitFeatures(ctx context.Context, s *torch.Scope, head nn.Module, train, val *Features, opt optim.Optimizer, sched optim.Scheduler, cfg Config, obs Observer) (best metrics.Phase, err error) {
	if err := cfg.validate(); err != nil {
		return best, err
	}
	c := s.Child()
	defer c.Close()
	return fit(ctx, c, head, train, val, opt, sched, cfg, obs)
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
