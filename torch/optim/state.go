package optim

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"hymenoptera/torch"
)

// A State is the state of an optimizer, like "state" and "param_groups" in PyTorch's state_dict. As there, parameters are
// counted from 0 over all groups.
type State struct {
	Rates   []float64 `json:"lr"`             // lr of each group
	Steps   []int     `json:"step,omitempty"` // of Adam: step of each parameter; 0 before its first one
	Tensors []Entry   `json:"-"`
}

// An Entry is a tensor of a state: momentum_buffer of SGD; exp_avg and exp_avg_sq of Adam. A parameter that has not taken a
// step has none.
type Entry struct {
	Name   string // "3.exp_avg" for parameter 3
	Tensor *torch.Tensor
}

// params returns the parameters of all groups.
func (gs groups) params() (params []*torch.Tensor) {
	for _, g := range gs {
		params = append(params, g.Params...)
	}
	return params
}

// find returns the tensors of st by name. It returns an error for rates that no optimizer has, and unless each tensor has one
// of the given names, and the shape and type of its parameter.
func (gs groups) find(st State, names ...string) (map[string]*torch.Tensor, error) {
	if len(st.Rates) != len(gs) {
		return nil, fmt.Errorf("optim: a state of %d groups for %d", len(st.Rates), len(gs))
	}
	for _, rate := range st.Rates {
		if !(rate >= 0 && rate <= math.MaxFloat64) {
			return nil, fmt.Errorf("optim: a learning rate of %v in a state: want a finite number, 0 or more", rate)
		}
	}
	params, found := gs.params(), map[string]*torch.Tensor{}
	for _, e := range st.Tensors {
		number, name, _ := strings.Cut(e.Name, ".")
		i, err := strconv.Atoi(number)
		switch {
		case err != nil || i < 0 || i >= len(params) || strconv.Itoa(i) != number || !slices.Contains(names, name):
			return nil, fmt.Errorf("optim: a state has %.40q, which this optimizer does not", e.Name)
		case e.Tensor.DType() != params[i].DType() || !slices.Equal(e.Tensor.Shape(), params[i].Shape()):
			return nil, fmt.Errorf("optim: %s of a state is %v, its parameter %v", e.Name, e.Tensor, params[i])
		}
		found[e.Name] = e.Tensor
	}
	return found, nil
}

// key is the name of a tensor of parameter i.
func key(i int, name string) string { return strconv.Itoa(i) + "." + name }

// copyLike returns a copy of t with the device and the memory layout of the parameter p. s owns it.
func copyLike(s *torch.Scope, p, t *torch.Tensor) (copied *torch.Tensor) {
	torch.NoGrad(func() { copied = torch.CopyInPlace(torch.Clone(s, p), t) })
	return copied
}

// State implements Optimizer.
func (o *SGD) State() State {
	st := State{Rates: o.Rates()}
	for i, p := range o.params() {
		if b := o.buffers[p]; b != nil {
			st.Tensors = append(st.Tensors, Entry{key(i, "momentum_buffer"), b})
		}
	}
	return st
}

// SetState implements Optimizer.
func (o *SGD) SetState(st State) error {
	names := []string{"momentum_buffer"}
	if o.cfg.Momentum == 0 {
		names = nil
	}
	found, err := o.find(st, names...)
	if err != nil {
		return err
	}
	if st.Steps != nil {
		return errors.New("optim: a state counts steps, which SGD does not")
	}
	for i, p := range o.params() {
		if b := found[key(i, "momentum_buffer")]; b != nil {
			o.buffers[p] = copyLike(o.scope, p, b)
		}
	}
	o.SetRates(st.Rates)
	return nil
}

// State implements Optimizer.
func (o *Adam) State() State {
	st := State{Rates: o.Rates()}
	for i, p := range o.params() {
		steps := 0
		if a := o.state[p]; a != nil {
			steps = a.steps
			st.Tensors = append(st.Tensors, Entry{key(i, "exp_avg"), a.first}, Entry{key(i, "exp_avg_sq"), a.second})
		}
		st.Steps = append(st.Steps, steps)
	}
	return st
}

// SetState implements Optimizer.
func (o *Adam) SetState(st State) error {
	found, err := o.find(st, "exp_avg", "exp_avg_sq")
	if err != nil {
		return err
	}
	params := o.params()
	if len(st.Steps) != len(params) {
		return fmt.Errorf("optim: a state has %d counts of steps for %d parameters", len(st.Steps), len(params))
	}
	for i, steps := range st.Steps {
		first, second := found[key(i, "exp_avg")] != nil, found[key(i, "exp_avg_sq")] != nil
		if steps < 0 || steps > math.MaxInt32 || first != (steps > 0) || second != first {
			return fmt.Errorf("optim: a state has %d steps of parameter %d, which its tensors do not fit", steps, i)
		}
	}
	for i, p := range params {
		if steps := st.Steps[i]; steps > 0 {
			o.state[p] = &adamState{steps, copyLike(o.scope, p, found[key(i, "exp_avg")]), copyLike(o.scope, p, found[key(i, "exp_avg_sq")])}
		}
	}
	o.SetRates(st.Rates)
	return nil
}

// A ScheduleState is the state of a scheduler without the learning rates, which are in the optimizer's state. It has the
// entries of PyTorch's state_dict that change during a schedule.
type ScheduleState struct {
	Epoch int            `json:"last_epoch"`      // calls of Step
	TMax  int            `json:"T_max,omitempty"` // of CosineAnnealingLR
	Then  *ScheduleState `json:"then,omitempty"`  // of the schedule after a warm-up: the second of SequentialLR's
}

// check returns an error unless the state is one of a schedule with or without these parts.
func (st ScheduleState) check(tMax, then bool) error {
	if st.Epoch < 0 || st.Epoch > math.MaxInt32 || st.TMax < 0 || st.TMax > math.MaxInt32 || (st.TMax > 0) != tMax || (st.Then != nil) != then {
		return fmt.Errorf("optim: the state %+v is another schedule's", st)
	}
	return nil
}

// State implements Scheduler.
func (l *StepLR) State() ScheduleState { return ScheduleState{Epoch: l.epoch} }

// SetState implements Scheduler.
func (l *StepLR) SetState(st ScheduleState) error {
	if err := st.check(false, false); err != nil {
		return err
	}
	l.epoch = st.Epoch
	return nil
}

// State implements Scheduler.
func (l *ExponentialLR) State() ScheduleState { return ScheduleState{} }

// SetState implements Scheduler.
func (l *ExponentialLR) SetState(st ScheduleState) error { return st.check(false, false) }

// State implements Scheduler.
func (l *CosineAnnealingLR) State() ScheduleState { return ScheduleState{Epoch: l.epoch, TMax: l.tMax} }

// SetState implements Scheduler. As in PyTorch the period is that of the state.
func (l *CosineAnnealingLR) SetState(st ScheduleState) error {
	if err := st.check(true, false); err != nil {
		return err
	}
	l.epoch, l.tMax = st.Epoch, st.TMax
	return nil
}

// State implements Scheduler.
func (w *WarmUp) State() ScheduleState {
	then := w.then.State()
	return ScheduleState{Epoch: w.step, Then: &then}
}

// SetState implements Scheduler.
func (w *WarmUp) SetState(st ScheduleState) error {
	if err := st.check(false, true); err != nil {
		return err
	}
	w.step = st.Epoch
	return w.then.SetState(*st.Then)
}
