package trainer

import (
	"context"
	"iter"

	"hymenoptera/dataset"
	"hymenoptera/torch"
)

// Without Hooks.Due, nothing in this file costs time.

// generators are the states of the default generators that a training draws from.
type generators struct {
	cpu    *torch.Tensor
	device *torch.Tensor // of its device; nil on the CPU
}

// readGenerators returns the present states; s owns them.
func readGenerators(s *torch.Scope, device torch.Device) generators {
	g := generators{cpu: torch.RNGState(s, torch.CPU)}
	if device != torch.CPU {
		g.device = torch.RNGState(s, device)
	}
	return g
}

// set makes the default generators continue from these states.
func (g generators) set(device torch.Device) {
	torch.SetRNGState(torch.CPU, g.cpu)
	if g.device != nil {
		torch.SetRNGState(device, g.device)
	}
}

// batches begins a pass, or continues one that was resumed, whose order it draws again. s owns the tensors of its feed.
func (l *loop) batches(ctx context.Context, s *torch.Scope) iter.Seq2[batch, error] {
	r := l.resumed
	l.resumed = nil
	var at dataset.Position
	switch {
	case r == nil:
	case r.pass == nil:
		r.now.set(l.cfg.Device)
	default:
		r.began.set(l.cfg.Device)
		at = r.goOn(l.pass)
		l.batch = at.Batches
	}
	if l.cfg.Hooks.Due != nil {
		l.pass.began = readGenerators(s, l.cfg.Device)
	}
	batches := l.pass.feed.batches(ctx, s, l.epoch, at)
	if at.Batches > 0 { // otherwise the last draw was that of the order
		r.now.set(l.cfg.Device)
	}
	l.readNow()
	return batches
}

// readNow saves the present states of the generators. Draws for a next batch that fails do not count.
func (l *loop) readNow() {
	if l.cfg.Hooks.Due == nil {
		return
	}
	if l.now.cpu == nil {
		l.now = readGenerators(l.scope, l.cfg.Device)
		return
	}
	s := l.scope.Child()
	defer s.Close()
	now := readGenerators(s, l.cfg.Device)
	torch.CopyInPlace(l.now.cpu, now.cpu)
	if now.device != nil {
		torch.CopyInPlace(l.now.device, now.device)
	}
}

// endStep ends a step.
func (l *loop) endStep(ctx context.Context) error {
	l.readNow()
	if l.cfg.Group != nil {
		_, err := l.endSharedStep(ctx, false)
		return err
	}
	return l.checkpoint(nil)
}

// endEpoch ends an epoch.
func (l *loop) endEpoch(ctx context.Context) error {
	l.phase, l.batch, l.pass = "", 0, nil
	return l.endStep(ctx)
}

// checkpoint calls the hook if a checkpoint is due. cause is the error with which the training is about to end, or nil.
func (l *loop) checkpoint(cause error) error {
	if m := l.moment(cause); l.cfg.Group == nil && l.due(m) {
		return l.cfg.Hooks.Checkpoint(m)
	}
	return nil
}

func (l *loop) due(m Moment) bool { return l.cfg.Hooks.Due != nil && l.cfg.Hooks.Due(m) }

// moment returns where the training is.
func (l *loop) moment(cause error) Moment {
	m := Moment{Epoch: l.epoch, Phase: l.phase, Steps: l.batch, Cause: cause, Copy: l.state}
	if l.phase == "" {
		m.Epoch++
	}
	return m
}
