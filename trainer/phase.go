package trainer

import (
	"context"
	"io"
	"time"

	"hymenoptera/dataset"
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
	"hymenoptera/torch/optim"
)

// training is what the phases share.
type training struct {
	ctx   context.Context
	scope *torch.Scope
	model nn.Module
	opt   optim.Optimizer // nil when nothing is trained
	obs   Observer
	cfg   Config

	classWeights *torch.Tensor // C, or nil
}

func newTraining(ctx context.Context, s *torch.Scope, model nn.Module, cfg Config, obs Observer) *training {
	t := &training{ctx: ctx, scope: s, model: model, obs: obs, cfg: cfg}
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
func (t *training) phase(epoch int, name string, set set) (Phase, error) {
	train := name == "train"
	p := Phase{Epoch: epoch, Name: name, N: set.Len()}
	if t.opt != nil {
		p.LR = t.opt.LR()
	}
	nn.SetTraining(t.model, train)
	start := time.Now()
	model := t.model
	if t.cfg.Fold && !train {
		s := t.scope.Child()
		defer s.Close()
		model = model.(Folder).Fold(s, t.dtype())
	}
	batches, err := set.pass(t.ctx, epoch)
	if err != nil {
		return p, err
	}
	defer batches.Close()

	runningLoss, done := 0.0, 0
	t.obs.Step(epoch, name, 0, p.N)
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
		loss, corrects := t.step(model, set, b, epoch, name, step)
		err = finite(loss, step, p, b, set)
		b.Release()
		if err != nil {
			return p, err
		}
		runningLoss += loss * float64(b.N)
		p.Corrects += corrects
		done += b.N
		t.obs.Step(epoch, name, done, p.N)
	}
	p.Loss = runningLoss / float64(p.N)
	p.Acc = float64(p.Corrects) / float64(p.N)
	p.Seconds = time.Since(start).Seconds()
	return p, t.obs.PhaseEnd(p)
}

// dtype is what convolutions compute in.
func (t *training) dtype() torch.DType {
	if t.cfg.BFloat16 {
		return torch.BFloat16
	}
	return torch.Float32
}

// step passes one batch through the model and, in training, updates the weights. It returns the batch's
// mean loss and how many images were classified right.
func (t *training) step(model nn.Module, set set, b *dataset.Batch, epoch int, phase string, step int) (loss float64, corrects int) {
	s := t.scope.Child()
	defer s.Close()
	train := phase == "train"
	images, labels := set.tensors(s, b)
	t.trace(epoch, phase, step, "batch", images)
	if train {
		t.opt.ZeroGrad()
	}
	torch.SetGradEnabled(train, func() {
		var logits *torch.Tensor // N×classes
		if t.cfg.BFloat16 {
			torch.Autocast(t.cfg.Device, torch.BFloat16, func() { logits = model.Forward(s, images) })
			logits = torch.ToDType(s, logits, torch.Float32)
		} else {
			logits = model.Forward(s, images)
		}
		hits := torch.Sum(s, torch.Equal(s, torch.Argmax(s, logits, 1), labels))
		mean := torch.CrossEntropy(s, logits, labels, t.classWeights, t.cfg.LabelSmoothing)
		t.trace(epoch, phase, step, "logits", logits)
		t.trace(epoch, phase, step, "loss", mean)
		if t.cfg.Batch != nil {
			t.cfg.Batch(phase, b, logits)
		}
		if train {
			torch.Backward(mean)
			t.traceModel(epoch, phase, step, true)
			t.opt.Step()
			t.traceModel(epoch, phase, step, false)
		}
		loss, corrects = torch.Item(mean), int(torch.Item(hits))
	})
	return loss, corrects
}
