// Package optim has PyTorch's optimizers and learning-rate schedulers, step for step and operation for operation, so
// that equal gradients give equal weights, bit for bit.
//
//	sgd := optim.NewSGD(s, nn.Trainable(model), optim.SGDConfig{LR: 0.001, Momentum: 0.9})
//	schedule := optim.NewStepLR(sgd, 7, 0.1)
//	for … { // an epoch
//		for … { // a batch
//			sgd.ZeroGrad()
//			torch.Backward(loss)
//			sgd.Step()
//		}
//		schedule.Step()
//	}
package optim

import "hymenoptera/torch"

// An Optimizer changes parameters by their gradients.
type Optimizer interface {
	// ZeroGrad drops the gradients.
	ZeroGrad()
	// Step updates every parameter that has a gradient.
	Step()
	// Rates returns the present learning rates, one per group of parameters.
	Rates() []float64
	// SetRates changes the learning rates.
	SetRates(rates []float64)
	// State returns the state, to continue from it later. Its tensors are the optimizer's own.
	State() State
	// SetState makes a new optimizer continue from the state of another one with equal parameters. It copies the tensors.
	SetState(st State) error
}

// A Group holds parameters with a learning rate of their own, like one of PyTorch's param_groups.
type Group struct {
	Params []*torch.Tensor
	LR     float64
}

// groups are the groups of an optimizer.
type groups []Group

// ZeroGrad implements Optimizer.
func (gs groups) ZeroGrad() {
	for _, g := range gs {
		torch.ClearGrads(g.Params)
	}
}

// Rates implements Optimizer.
func (gs groups) Rates() (rates []float64) {
	for _, g := range gs {
		rates = append(rates, g.LR)
	}
	return rates
}

// SetRates implements Optimizer.
func (gs groups) SetRates(rates []float64) {
	for i := range gs {
		gs[i].LR = rates[i]
	}
}

// A Scheduler changes an optimizer's learning rates, all by the same rule, once per epoch or once per step.
type Scheduler interface {
	// Step ends an epoch, or a step.
	Step()
	// State returns the state, to continue from it later.
	State() ScheduleState
	// SetState makes a new scheduler continue from a state. The rates are in the optimizer's state.
	SetState(st ScheduleState) error
}
