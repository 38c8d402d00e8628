// Package optim has PyTorch's optimizers and learning-rate schedulers, step for step and operation for
// operation, so that equal gradients give equal weights to the last bit.
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

// An Optimizer changes parameters by their gradients.
type Optimizer interface {
	// ZeroGrad drops the gradients.
	ZeroGrad()
	// Step updates every parameter that has a gradient.
	Step()
	// LR returns the learning rate now in force.
	LR() float64
	// SetLR changes it.
	SetLR(lr float64)
}

// A Scheduler changes an optimizer's learning rate once per epoch.
type Scheduler interface {
	// Step ends an epoch.
	Step()
}
