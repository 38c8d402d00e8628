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
// phase: the best by cfg.Best or, if none got an image right, the last. (The notebook then returns the weights from before
// the training, with an untrained head.) N is 0 when no validation phase has ended.
//
// When ctx is cancelled, Fit returns after the current step. After every error the model holds the best weights, unless its
// device has failed.
//
// With cfg.Resume, Fit continues from a training's state, with the same results as if the training had never stopped. Model,
// data and the rest of cfg must be as they were, and the optimizer and the scheduler must be new. The error for a state that
// does not fit is a [*StateError].
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
	weights      *snapshot     // those of best
	best         metrics.Phase

	// where the loop is
	epoch int
	phase string // "start", "train", "val" or, between two epochs, ""
	batch int    // in the phase
	pass  *pass  // the phase under way; nil between two epochs

	now     generators // after the last step; empty without Hooks.Checkpoint
	buckets []int64    // of the gradients, from before the training was stopped; nil if it is new
	resumed *resumed   // the state that is still to be resumed, or nil
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
	l.weights = newSnapshot(l.scope, l.model)
	if l.cfg.EMA > 0 {
		l.average = newAverage(l.scope, l.model, l.cfg.EMA)
	}
	if l.cfg.Resume != nil {
		if err := l.restore(ctx, l.cfg.Resume, train, val); err != nil {
			return best, &StateError{err}
		}
		l.cfg.Resume = nil // frees its memory
	}
	if err := torch.Do(ctx, func(*torch.Scope) error { l.join(); return nil }); err != nil {
		return best, err
	}
	defer func() {
		if lost := torch.Do(ctx, func(*torch.Scope) error { l.weights.restore(); return nil }); lost != nil {
			err = errors.Join(err, lost)
		}
	}()
	err = torch.Do(ctx, func(*torch.Scope) error {
		l.phase = "start"
		l.traceWeights()
		for ; l.epoch < l.cfg.Epochs; l.epoch++ {
			if err := l.cfg.Hooks.EpochStart(l.epoch); err != nil {
				return err
			}
			l.chooseTrained()
			if !l.resumed.in("val") {
				if _, err := l.goOver(ctx, "train", train); err != nil {
					return err
				}
				if l.cfg.Scheduler != nil && !l.cfg.ByStep {
					l.cfg.Scheduler.Step()
				}
				if l.average != nil {
					l.average.enter()
				}
			}
			reached, err := l.goOver(ctx, "val", val)
			if err != nil {
				return err
			}
			if err := l.judge(reached); err != nil {
				return err
			}
			if l.average != nil {
				l.average.leave()
			}
			stop := l.cfg.Hooks.EpochEnd(l.epoch)
			if stop != nil && !errors.Is(stop, ErrStop) {
				return stop
			}
			if err := l.endEpoch(ctx); err != nil || stop != nil {
				return err
			}
		}
		return nil
	})
	return l.best, err
}

// judge keeps the model's weights if their validation phase is better than every one before it.
func (l *loop) judge(reached metrics.Phase) error {
	better := l.cfg.Best.Better(reached, l.best)
	if better || l.best.Corrects == 0 && l.cfg.Best != metrics.ByLoss {
		l.weights.take()
		l.best = reached
	}
	if better {
		return l.cfg.Hooks.Best(reached)
	}
	return nil
}

// chooseTrained sets which parameters are trained, at the beginning of an epoch in which that changes or of a resumed
// training. It drops the recorded graphs.
func (l *loop) chooseTrained() {
	if l.cfg.HeadEpochs == 0 || l.epoch != 0 && l.epoch != l.cfg.HeadEpochs && l.resumed == nil {
		return
	}
	nn.SetRequiresGrad(l.model, l.epoch >= l.cfg.HeadEpochs)
	nn.SetRequiresGrad(l.cfg.Head, true)
	if l.graphs != nil {
		l.graphs = newGraphs(l.scope, l.cfg.Device, l.step)
	}
	if begins := l.resumed == nil || l.resumed.pass == nil; begins && (l.epoch == 0 || l.epoch == l.cfg.HeadEpochs) {
		l.buckets = nil
	}
	l.shareGradients()
}

// A feed gives the batches of a set, on the model's device.
type feed interface {
	Len() int
	Path(sample int) string // its file
	// batches draws an epoch's order from the default generator and yields its batches from a position on: each is valid
	// until the next one. The caller must range over them once, immediately.
	batches(ctx context.Context, s *torch.Scope, epoch int, at dataset.Position) iter.Seq2[batch, error]
	// drawn returns Position.Drawn of the present position. Check returns an error for a position that no pass reaches.
	drawn() []uint64
	Check(at dataset.Position) error
}

// A batch is a Batch for the loop, which sets Epoch, Phase and Logits.
type batch struct {
	Batch
	labels *torch.Tensor // N, on the device
	scope  *torch.Scope  // owns the tensors of the step
	wait   time.Duration // for the loader
}

// A pass is a phase under way.
type pass struct {
	metrics.Phase // without results yet
	feed          feed
	sums          *sums
	confusion     confusion
	done          int // images
	share         share
	start         time.Time
	began         generators // before its order was drawn; empty without Hooks.Checkpoint
}

// goOver goes once over a set. The phase "train" updates the weights; "val" runs in evaluation mode and without autograd.
func (l *loop) goOver(ctx context.Context, phase string, feed feed) (metrics.Phase, error) {
	s := l.scope.Child()
	defer s.Close()
	p := &pass{Phase: metrics.Phase{Epoch: l.epoch, Name: phase, N: feed.Len()}, feed: feed, sums: newSums(s, l.cfg), start: time.Now()}
	if l.cfg.Optimizer != nil {
		p.LR = l.cfg.Optimizer.Rates()[0]
	}
	l.phase, l.batch, l.pass = phase, 0, p
	nn.SetTraining(l.model, phase == "train")
	model, step := l.model, l.step
	if phase == "val" {
		l.shareBuffers()
		model = l.cfg.Inference(s, model)
	} else if l.graphs != nil {
		step = l.graphs.step
	}

	batches := l.batches(l.cancelled(ctx), s)
	l.cfg.Hooks.Step(l.epoch, phase, p.done, p.N)
	for b, err := range batches {
		if err == nil {
			err = l.cancelled(ctx).Err()
		}
		if err != nil {
			return p.Phase, errors.Join(err, l.checkpoint(err))
		}
		p.Wait += b.wait.Seconds()
		l.trace("batch", b.Inputs)
		r := step(b.scope, model, b.Inputs, b.labels)
		if phase == "train" {
			l.stepped(b.scope)
		}
		b.Epoch, b.Phase, b.Logits = l.epoch, phase, r.logits
		l.cfg.Hooks.Batch(b.Batch)
		l.keepShare(s, b.Batch)
		if loss, ok := p.sums.add(r, len(b.Samples)); !ok {
			return p.Phase, l.lossError(loss, p.LR, files(feed, b.Samples))
		}
		if phase == "val" && l.cfg.Best == metrics.ByMacroF1 {
			p.confusion.add(b.scope, r.logits, b.Labels)
		}
		l.batch++
		p.done += len(b.Samples)
		l.cfg.Hooks.Step(l.epoch, phase, p.done, p.N)
		if err := l.endStep(ctx); err != nil {
			return p.Phase, err
		}
	}
	if err := l.combine(ctx, s); err != nil {
		return p.Phase, err
	}
	if loss, ok := p.sums.end(&p.Phase); !ok {
		l.batch = -1
		return p.Phase, l.lossError(loss, p.LR, nil)
	}
	p.MacroF1 = metrics.MacroF1(p.confusion)
	p.Seconds = time.Since(p.start).Seconds()
	return p.Phase, l.cfg.Hooks.PhaseEnd(p.Phase)
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
		l.shareBuffers()
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
		l.backward(r.loss)
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
	cfg.Epochs, cfg.Optimizer, cfg.Hooks.Due, cfg.Group = 1, nil, nil, nil
	if err := cfg.validate(model); err != nil {
		return metrics.Phase{}, err
	}
	c := s.Child()
	defer c.Close()
	return newLoop(c, model, cfg).goOver(ctx, "val", newHostFeed(c, loader, cfg.Device, nil))
}
