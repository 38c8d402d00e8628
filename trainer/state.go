package trainer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"hymenoptera/checkpoint"
	"hymenoptera/dataset"
	"hymenoptera/metrics"
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
	"hymenoptera/torch/optim"
)

// A State is a training between two steps: everything that Fit needs to continue from there. Its tensors are copies in Go's
// memory.
type State struct {
	Place
	// Tensors are "model.<key>", "optimizer.<name>" (see [optim.Entry]) and the states of the default generators; with EMA
	// "average.<key>" and, while the model holds the average, "trained.<key>"; in a phase the generators as they were when
	// it began, and the confusion.
	Tensors []checkpoint.Tensor
	// Best has the weights of Place.Best under their keys. It is nil if the hook Best was called for them: then the program
	// that kept them must set Best before Fit resumes the state. It is also nil before the first validation phase has ended.
	Best *checkpoint.StateDict
	// Parts has, for a training by several processes, the generators of each process from rank 1 on, and its place in the
	// phase. Such a state is never in the middle of a validation phase. See [State.Regroup].
	Parts [][]byte
}

// A Place is the part of a State without the tensors. It survives JSON to the last bit.
type Place struct {
	Epoch     int                  `json:"epoch"`          // under way, or the next one
	Pass      *Pass                `json:"pass,omitempty"` // the phase under way; nil between two epochs
	Best      metrics.Phase        `json:"best"`           // so far; N is 0 for none
	Averaged  bool                 `json:"averaged"`       // the average of the weights has begun
	Optimizer optim.State          `json:"optimizer"`
	Scheduler *optim.ScheduleState `json:"scheduler,omitempty"`
	Buckets   []int64              `json:"buckets,omitempty"` // of the gradients, of several processes
}

// A Pass is a phase under way.
type Pass struct {
	Phase    string           `json:"phase"` // "train" or "val"
	Position dataset.Position `json:"position"`
	Done     int              `json:"done"` // images
	LR       float64          `json:"lr"`   // when the phase began
	Loss     float64          `json:"loss"` // sum over the images
	Corrects int              `json:"corrects"`
	Seconds  float64          `json:"seconds"`
	Wait     float64          `json:"wait"`
}

// A StateError says that a State does not fit the training that is to be resumed, or is damaged.
type StateError struct{ Err error }

func (e *StateError) Error() string { return "trainer: the state to resume: " + e.Err.Error() }
func (e *StateError) Unwrap() error { return e.Err }

// state copies the training.
func (l *loop) state() *State {
	st := &State{Place: Place{Epoch: l.epoch, Best: l.best, Optimizer: l.cfg.Optimizer.State()}}
	add := func(name string, t *torch.Tensor) {
		if t != nil {
			st.Tensors = append(st.Tensors, nn.ExportTensor(name, t))
		}
	}
	for _, e := range nn.StateDict(l.model) {
		add("model."+e.Name, e.Tensor)
	}
	for _, e := range st.Optimizer.Tensors {
		add("optimizer."+e.Name, e.Tensor)
	}
	st.Optimizer.Tensors = nil
	if l.cfg.Scheduler != nil {
		schedule := l.cfg.Scheduler.State()
		st.Scheduler = &schedule
	}
	if l.average != nil {
		st.Averaged = l.average.begun
		l.average.each(func(key string, t *torch.Tensor) { add("average."+key, t) })
	}
	var now generators
	st.Pass, now = l.passState()
	if p := l.pass; p == nil {
		st.Epoch++
	} else {
		if p.confusion != nil && st.Pass.Done > 0 {
			st.Tensors = append(st.Tensors, p.confusion.export("confusion"))
		}
		add("began.generator", p.began.cpu)
		add("began.generator.device", p.began.device)
		if l.average != nil && p.Name == "val" { // the model holds the average
			l.average.trained.each(func(key string, t *torch.Tensor) { add("trained."+key, t) })
		}
	}
	add("generator", now.cpu)
	add("generator.device", now.device)
	if l.cfg.Group != nil {
		st.Buckets = l.cfg.Group.Buckets()
	}
	st.Parts = l.gatherParts()
	if l.best.N > 0 && !l.cfg.Best.Better(l.best, metrics.Phase{}) {
		st.Best = &checkpoint.StateDict{}
		l.weights.each(func(key string, t *torch.Tensor) {
			st.Best.Tensors = append(st.Best.Tensors, nn.ExportTensor(key, t))
		})
	}
	return st
}

// passState returns the place in a phase, if one is under way, and the generators there.
func (l *loop) passState() (*Pass, generators) {
	p := l.pass
	if p == nil {
		return nil, l.now
	}
	if l.cfg.Group != nil && p.Name == "val" { // its processes are at different places
		return &Pass{Phase: p.Name, LR: p.LR}, p.began
	}
	loss, corrects := p.sums.get()
	return &Pass{Phase: p.Name, Position: dataset.Position{Batches: l.batch, Drawn: p.feed.drawn()}, Done: p.done, LR: p.LR,
		Loss: loss, Corrects: corrects, Seconds: time.Since(p.start).Seconds(), Wait: p.Wait}, l.now
}

// A resumed is the part of a State that is needed when its phase continues.
type resumed struct {
	pass       *Pass // nil where an epoch begins
	now, began generators
	confusion  confusion
}

// in reports whether the training continues in a phase.
func (r *resumed) in(phase string) bool { return r != nil && r.pass != nil && r.pass.Phase == phase }

// goOn sets p's sums so far and returns the position at which its feed continues.
func (r *resumed) goOn(p *pass) dataset.Position {
	p.LR, p.Wait, p.done, p.confusion = r.pass.LR, r.pass.Wait, r.pass.Done, r.confusion
	p.start = p.start.Add(-time.Duration(r.pass.Seconds * float64(time.Second)))
	p.sums.set(r.pass.Loss, r.pass.Corrects)
	return r.pass.Position
}

// restore makes the loop continue from a state. It checks all of the state first.
func (l *loop) restore(ctx context.Context, st *State, train, val feed) error {
	if err := l.check(st, train, val); err != nil {
		return err
	}
	return torch.Do(ctx, func(s *torch.Scope) error {
		r := stateReader{s, map[string]checkpoint.Tensor{}}
		for _, t := range st.Tensors {
			r.left[t.Name] = t
		}
		l.epoch, l.best, l.buckets = st.Epoch, st.Place.Best, st.Buckets
		l.resumed = &resumed{pass: st.Pass, now: r.generators(l.scope, "generator", l.cfg.Device)}
		for _, e := range nn.StateDict(l.model) {
			r.into(e.Tensor, "model."+e.Name)
		}
		if err := l.cfg.Optimizer.SetState(r.optimizer(st.Optimizer)); err != nil {
			return err
		}
		if l.average != nil {
			l.average.begun = st.Averaged
			l.average.each(func(key string, t *torch.Tensor) { r.into(t, "average."+key) })
		}
		if st.Pass != nil {
			l.resumed.began = r.generators(l.scope, "began.generator", l.cfg.Device)
			t, ok := r.take("confusion")
			if want := l.cfg.Best == metrics.ByMacroF1 && l.resumed.in("val") && st.Pass.Position.Batches > 0; ok != want {
				return errors.New("it has a confusion matrix and this training has none, or the other way round")
			}
			if ok {
				var err error
				if l.resumed.confusion, err = readConfusion(t); err != nil {
					return err
				}
			}
		}
		if l.average != nil && l.resumed.in("val") {
			l.average.trained.each(func(key string, t *torch.Tensor) { r.into(t, "trained."+key) })
		}
		if err := l.takePart(st, train, val); err != nil {
			return err
		}
		for name := range r.left {
			return fmt.Errorf("it has %.80q, which this training does not", name)
		}
		if l.best.N == 0 {
			l.weights.take()
			return nil
		}
		for _, t := range st.Best.Tensors {
			r.left[t.Name] = t
		}
		l.weights.each(func(key string, t *torch.Tensor) { r.into(t, key) })
		return nil
	})
}

// check returns an error for a place that this training does not reach. It also sets the scheduler's state.
func (l *loop) check(st *State, train, val feed) error {
	at := st.Place
	switch {
	case at.Epoch < 0 || at.Epoch > l.cfg.Epochs || at.Epoch == l.cfg.Epochs && at.Pass != nil:
		return fmt.Errorf("it is in epoch %d of a training of %d", at.Epoch, l.cfg.Epochs)
	case at.Best.N < 0 || at.Best.Epoch < 0 || at.Best.Epoch > at.Epoch:
		return fmt.Errorf("its best phase is %+v", at.Best)
	case st.Place.Best.N > 0 && st.Best == nil:
		return errors.New("the best weights are missing")
	case (at.Scheduler != nil) != (l.cfg.Scheduler != nil):
		return errors.New("only one of the two trainings has a scheduler")
	}
	if at.Scheduler != nil {
		if err := l.cfg.Scheduler.SetState(*at.Scheduler); err != nil {
			return err
		}
	}
	if n := len(st.Parts) + 1; l.cfg.Group == nil && n != 1 || l.cfg.Group != nil && n != 1 && n != l.cfg.Group.Size() {
		return fmt.Errorf("it is of %d processes", n)
	}
	return at.Pass.check(train, val)
}

// check returns an error for a pass that no phase reaches.
func (p *Pass) check(train, val feed) error {
	if p == nil {
		return nil
	}
	feed := train
	if p.Phase == "val" {
		feed = val
	}
	const most = 1e9 // seconds
	switch {
	case p.Phase != "train" && p.Phase != "val":
		return fmt.Errorf("it is in the phase %.40q", p.Phase)
	case p.Done < 0 || p.Done > feed.Len() || p.Corrects < 0 || p.Corrects > p.Done:
		return fmt.Errorf("it has %d right of %d of %d images", p.Corrects, p.Done, feed.Len())
	case !(p.Seconds >= 0 && p.Seconds <= most) || !(p.Wait >= 0 && p.Wait <= most):
		return fmt.Errorf("its phase took %v seconds and waited %v", p.Seconds, p.Wait)
	}
	return feed.Check(p.Position)
}

// A stateReader takes tensors out of a State. One that is missing, or has another shape, ends the enclosing torch.Do
// with an error.
type stateReader struct {
	scope *torch.Scope // owns the tensors that take returns
	left  map[string]checkpoint.Tensor
}

// take returns a tensor, on the CPU.
func (r stateReader) take(name string) (*torch.Tensor, bool) {
	t, ok := r.left[name]
	if !ok {
		return nil, false
	}
	delete(r.left, name)
	return nn.ImportTensor(r.scope, t), true
}

// into copies a tensor into dst.
func (r stateReader) into(dst *torch.Tensor, name string) {
	t, ok := r.take(name)
	if !ok {
		torch.Fail(fmt.Errorf("it has no %q", name))
	}
	if t.DType() != dst.DType() || !slices.Equal(t.Shape(), dst.Shape()) {
		torch.Fail(fmt.Errorf("its %q is %v, not %v", name, t, dst))
	}
	torch.NoGrad(func() { torch.CopyInPlace(dst, t) })
	t.Free()
}

// optimizer adds the tensors of an optimizer's state.
func (r stateReader) optimizer(st optim.State) optim.State {
	for _, name := range slices.Sorted(maps.Keys(r.left)) {
		if key, ok := strings.CutPrefix(name, "optimizer."); ok {
			t, _ := r.take(name)
			st.Tensors = append(st.Tensors, optim.Entry{Name: key, Tensor: t})
		}
	}
	return st
}

// generators takes the states of generators, which s owns. Setting them checks them.
func (r stateReader) generators(s *torch.Scope, name string, device torch.Device) (g generators) {
	cpu, ok := r.take(name)
	if !ok {
		torch.Fail(fmt.Errorf("it has no %q", name))
	}
	g.cpu = torch.Clone(s, cpu)
	if t, ok := r.take(name + ".device"); ok && device != torch.CPU { // else of another device, before it was resumed on this one
		g.device = torch.Clone(s, t)
	}
	g.set(device)
	return g
}
