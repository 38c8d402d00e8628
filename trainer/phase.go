package trainer

import (
	"context"
	"io"
	"time"

	"hymenoptera/dataset"
	"hymenoptera/metrics"
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
)

// training is what the phases share.
type training struct {
	ctx   context.Context
	scope *torch.Scope
	model nn.Module
	cfg   Config // its hooks are filled

	classWeights *torch.Tensor // C, or nil
	recorder     *recorder     // nil where no steps are replayed
}

func newTraining(ctx context.Context, s *torch.Scope, model nn.Module, cfg Config) *training {
	cfg.Hooks = cfg.Hooks.filled()
	t := &training{ctx: ctx, scope: s, model: model, cfg: cfg}
	t.recorder = newRecorder(t)
	if cfg.ClassWeights != nil {
		w := torch.FromFloat32s(s, cfg.ClassWeights, int64(len(cfg.ClassWeights)))
		t.classWeights = torch.To(s, w, cfg.Device)
	}
	return t
}

// A set is what phases pass over.
type set interface {
	Len() int
	Path(i int) string // of a sample's file
	// pass begins the pass of an epoch, which must be closed. It draws from the default generator.
	pass(ctx context.Context, epoch int) (pass, error)
	// tensors returns what a batch is to the model, and its labels N.
	tensors(s *torch.Scope, b *dataset.Batch) (inputs, labels *torch.Tensor)
}

// A pass gives the batches of one epoch, and then io.EOF.
type pass interface {
	Next() (*dataset.Batch, error)
	Close()
}

// phase passes once over a set: with weight updates when it is called "train", without autograd otherwise.
func (t *training) phase(epoch int, name string, set set) (metrics.Phase, error) {
	train := name == "train"
	p := metrics.Phase{Epoch: epoch, Name: name, N: set.Len()}
	if t.cfg.Optimizer != nil {
		p.LR = t.cfg.Optimizer.LR()
	}
	nn.SetTraining(t.model, train)
	start := time.Now()
	model := t.model
	if !train {
		s := t.scope.Child()
		defer s.Close()
		model = t.cfg.Inference(s, model)
	}
	batches, err := set.pass(t.ctx, epoch)
	if err != nil {
		return p, err
	}
	defer batches.Close()

	s := t.scope.Child()
	defer s.Close()
	sums, done := newTally(s, t.cfg), 0
	t.cfg.Hooks.Step(epoch, name, 0, p.N)
	for step := 0; ; step++ {
		if err := t.ctx.Err(); err != nil {
			return p, err
		}
		asked := time.Now()
		b, err := batches.Next()
		p.Wait += time.Since(asked).Seconds()
		if err == io.EOF {
			break
		}
		if err != nil {
			return p, err
		}
		if err := t.count(s, model, set, b, place{epoch, name, step}, sums, p); err != nil {
			return p, err
		}
		done += b.N
		t.cfg.Hooks.Step(epoch, name, done, p.N)
	}
	if err := sums.end(&p); err != nil {
		return p, err
	}
	p.Seconds = time.Since(start).Seconds()
	return p, t.cfg.Hooks.PhaseEnd(p)
}

// count computes a batch, adds it to the sums of the phase and releases it.
func (t *training) count(s *torch.Scope, model nn.Module, set set, b *dataset.Batch, at place, sums *tally, p metrics.Phase) error {
	s = s.Child()
	defer s.Close()
	defer b.Release()
	return sums.add(t.step(s, model, set, b, at), p, at.step, b, set)
}
