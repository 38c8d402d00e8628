package trainer

import (
	"context"
	"errors"
	"iter"
	"time"

	"hymenoptera/dataset"
	"hymenoptera/metrics"
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
)

// Data holds the two sets.
type Data struct {
	Train, Val *dataset.Loader
}

// Fit trains model for cfg.Epochs epochs, leaves it with the weights of the best validation phase and returns that
// phase: the best by cfg.Best or, where none got any image right, the last. (The notebook returns the
// weights from before the training there, whose new head knows nothing.) N is 0 when no validation phase has ended.
//
// When ctx is cancelled, Fit returns after the current step. After every error the model holds the best weights, unless its
// device has failed.
func Fit(ctx context.Context, s *torch.Scope, model nn.Module, data Data, cfg Config) (best metrics.Phase, err error) {
	if err := cfg.validateTraining(model); err != nil { // before tensors are made
		return best, err
	}
	c := s.Child()
	defer c.Close()
	train, val, err := openFeeds(ctx, c, data, cfg)
	if err != nil {
		return best, err
	}
	return newLoop(c, model, cfg).fit(ctx, train, val)
}

// A loop is a training or an evaluation under way.
type loop struct {
	cfg          Config       // its hooks are filled
	scope        *torch.Scope // owns the tensors that outlive a phase
	model        nn.Module
	classWeights *torch.Tensor // C, or nil
	graphs       *graphs       // nil if no steps are replayed
	average      *average      // nil if the weights themselves are validated

	// where the loop is
	epoch int
	phase string // "train" or "val"
	batch int    // in the phase
}

func newLoop(s *torch.Scope, model nn.Module, cfg Config) *loop {
	cfg.Hooks = cfg.Hooks.filled()
	l := &loop{cfg: cfg, scope: s, model: model}
	if canReplay(cfg) {
		l.graphs = newGraphs(s, cfg.Device, l.step)
	}
	if cfg.ClassWeights != nil {
		w := torch.FromFloat32s(s, cfg.ClassWeights, int64(len(cfg.ClassWeights)))
		l.classWeights = torch.To(s, w, cfg.Device)
	}
	return l
}

// fit is Fit for any two feeds.
func (l *loop) fit(ctx context.Context, train, val feed) (best metrics.Phase, err error) {
	weights := newSnapshot(l.scope, l.model)
	if l.cfg.EMA > 0 {
		l.average = newAverage(l.scope, l.model, l.cfg.EMA)
	}
	defer func() {
		if lost := torch.Do(ctx, func(*torch.Scope) error { weights.restore(); return nil }); lost != nil {
			err = errors.Join(err, lost)
		}
	}()
	err = torch.Do(ctx, func(*torch.Scope) error {
		l.phase = "start"
		l.traceWeights()
		for l.epoch = range l.cfg.Epochs {
			if err := l.cfg.Hooks.EpochStart(l.epoch); err != nil {
				return err
			}
			l.chooseTrained()
			if _, err := l.pass(ctx, "train", train); err != nil {
				return err
			}
			if l.cfg.Scheduler != nil && !l.cfg.ByStep {
				l.cfg.Scheduler.Step()
			}
			if l.average != nil {
				l.average.enter()
			}
			reached, err := l.pass(ctx, "val", val)
			if err != nil {
				return err
			}
			better := l.cfg.Best.Better(reached, best)
			if better || best.Corrects == 0 && l.cfg.Best != metrics.ByLoss {
				weights.take()
				best = reached
			}
			if better {
				if err := l.cfg.Hooks.Best(reached); err != nil {
					return err
				}
			}
			if l.average != nil {
				l.average.leave()
			}
			if err := l.cfg.Hooks.EpochEnd(l.epoch); errors.Is(err, ErrStop) {
				return nil
			} else if err != nil {
				return err
			}
		}
		return nil
	})
	return best, err
}

// chooseTrained sets at the beginning of an epoch which parameters are trained. When that changes, it drops the
// recorded graphs.
func (l *loop) chooseTrained() {
	if l.cfg.HeadEpochs == 0 || l.epoch != 0 && l.epoch != l.cfg.HeadEpochs {
		return
	}
	nn.SetRequiresGrad(l.model, l.epoch > 0)
	nn.SetRequiresGrad(l.cfg.Head, true)
	if l.graphs != nil {
		l.graphs = newGraphs(l.scope, l.cfg.Device, l.step)
	}
}

// A feed gives the batches of a set, on the model's device.
type feed interface {
	Len() int
	Path(sample int) string // its file
	// batches yields the batches of an epoch: each is valid until the next one. It draws from the default generator.
	batches(ctx context.Context, s *torch.Scope, epoch int) iter.Seq2[batch, error]
}

// A batch is a Batch on its way through the loop, which sets Epoch, Phase and Logits.
type batch struct {
	Batch
	labels *torch.Tensor // N, on the device
	scope  *torch.Scope  // owns the tensors of the step
	wait   time.Duration // for the loader
}

// pass goes once over a set: with weight updates in the phase "train", in evaluation mode and without autograd in "val".
func (l *loop) pass(ctx context.Context, phase string, feed feed) (metrics.Phase, error) {
	l.phase = phase
	p := metrics.Phase{Epoch: l.epoch, Name: phase, N: feed.Len()}
	if l.cfg.Optimizer != nil {
		p.LR = l.cfg.Optimizer.Rates()[0]
	}
	s := l.scope.Child()
	defer s.Close()
	start := time.Now()
	nn.SetTraining(l.model, phase == "train")
	model, step := l.model, l.step
	if phase == "val" {
		model = l.cfg.Inference(s, model)
	} else if l.graphs != nil {
		step = l.graphs.step
	}

	sums, done := newSums(s, l.cfg), 0
	var confusion confusion
	l.cfg.Hooks.Step(l.epoch, phase, 0, p.N)
	l.batch = 0
	for b, err := range feed.batches(ctx, s, l.epoch) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return p, err
		}
		p.Wait += b.wait.Seconds()
		l.trace("batch", b.Inputs)
		r := step(b.scope, model, b.Inputs, b.labels)
		if phase == "train" {
			l.stepped(b.scope)
		}
		b.Epoch, b.Phase, b.Logits = l.epoch, phase, r.logits
		l.cfg.Hooks.Batch(b.Batch)
		if loss, ok := sums.add(r, len(b.Samples)); !ok {
			return p, l.lossError(loss, p.LR, files(feed, b.Samples))
		}
		if phase == "val" && l.cfg.Best == metrics.ByMacroF1 {
			confusion.add(b.scope, r.logits, b.Labels)
		}
		l.batch++
		done += len(b.Samples)
		l.cfg.Hooks.Step(l.epoch, phase, done, p.N)
	}
	if loss, ok := sums.end(&p); !ok {
		l.batch = -1
		return p, l.lossError(loss, p.LR, nil)
	}
	p.MacroF1 = metrics.MacroF1(confusion)
	p.Seconds = time.Since(start).Seconds()
	return p, l.cfg.Hooks.PhaseEnd(p)
}

// stepped does the work after a training step.
func (l *loop) stepped(s *torch.Scope) {
	if l.average != nil {
		l.average.update(s)
	}
	if l.cfg.Scheduler != nil && l.cfg.ByStep {
		l.cfg.Scheduler.Step()
	}
}

// A result is the output of the model for a batch.
type result struct {
	logits *torch.Tensor // N×classes
	loss   *torch.Tensor // the batch's mean, a scalar
	hits   *torch.Tensor // how many samples were classified right, a scalar
}

// step computes a batch: forward, loss and, in training, backward and update. inputs are N×3×H×W, labels N.
func (l *loop) step(s *torch.Scope, model nn.Module, inputs, labels *torch.Tensor) (r result) {
	train := l.phase == "train"
	if train {
		l.cfg.Optimizer.ZeroGrad()
	}
	torch.SetGradEnabled(train, func() {
		if l.cfg.BFloat16 {
			torch.Autocast(l.cfg.Device, torch.BFloat16, func() { r.logits = model.Forward(s, inputs) })
			r.logits = torch.ToDType(s, r.logits, torch.Float32)
		} else {
			r.logits = model.Forward(s, inputs)
		}
		r.hits = torch.Sum(s, torch.Equal(s, torch.Argmax(s, r.logits, 1), labels))
		r.loss = torch.CrossEntropy(s, r.logits, labels, l.classWeights, l.cfg.LabelSmoothing)
		l.trace("logits", r.logits)
		l.trace("loss", r.loss)
	})
	if train {
		torch.Backward(r.loss)
		l.clip(s, r.loss)
		l.traceGradients()
		l.cfg.Optimizer.Step()
		l.traceWeights()
	}
	return r
}

// Evaluate returns the loss and accuracy of model over the images of loader, in evaluation mode. It calls the hooks of a
// validation phase. cfg's Epochs, Optimizer, Scheduler and Resident have no effect.
func Evaluate(ctx context.Context, s *torch.Scope, model nn.Module, loader *dataset.Loader, cfg Config) (metrics.Phase, error) {
	cfg.Epochs, cfg.Optimizer = 1, nil
	if err := cfg.validate(model); err != nil {
		return metrics.Phase{}, err
	}
	c := s.Child()
	defer c.Close()
	return newLoop(c, model, cfg).pass(ctx, "val", newHostFeed(c, loader, cfg.Device, nil))
}
