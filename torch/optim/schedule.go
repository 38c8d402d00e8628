package optim

import "math"

// StepLR is torch.optim.lr_scheduler.StepLR: the rate is multiplied by gamma after every stepSize epochs.
// As there, each rate is the previous one times gamma, not a power of gamma.
type StepLR struct {
	opt      Optimizer
	stepSize int
	gamma    float64
	epoch    int
}

// NewStepLR returns a scheduler for opt, at epoch 0.
func NewStepLR(opt Optimizer, stepSize int, gamma float64) *StepLR {
	return &StepLR{opt: opt, stepSize: stepSize, gamma: gamma}
}

// Step implements Scheduler.
func (l *StepLR) Step() {
	l.epoch++
	if l.epoch%l.stepSize == 0 {
		l.opt.SetLR(l.opt.LR() * l.gamma)
	}
}

// ExponentialLR is torch.optim.lr_scheduler.ExponentialLR: the rate is multiplied by gamma after every epoch.
type ExponentialLR struct {
	opt   Optimizer
	gamma float64
}

// NewExponentialLR returns a scheduler for opt.
func NewExponentialLR(opt Optimizer, gamma float64) *ExponentialLR {
	return &ExponentialLR{opt: opt, gamma: gamma}
}

// Step implements Scheduler.
func (l *ExponentialLR) Step() { l.opt.SetLR(l.opt.LR() * l.gamma) }

// CosineAnnealingLR is torch.optim.lr_scheduler.CosineAnnealingLR down to a rate of 0, by its recursive form:
// each rate comes from the previous one.
type CosineAnnealingLR struct {
	opt   Optimizer
	base  float64 // the first rate
	tMax  int     // epochs until the rate is 0
	epoch int
}

// NewCosineAnnealingLR returns a scheduler for opt, at epoch 0.
func NewCosineAnnealingLR(opt Optimizer, tMax int) *CosineAnnealingLR {
	return &CosineAnnealingLR{opt: opt, base: opt.LR(), tMax: tMax}
}

// Step implements Scheduler.
func (l *CosineAnnealingLR) Step() {
	l.epoch++
	period := float64(l.tMax)
	if (l.epoch-1-l.tMax)%(2*l.tMax) == 0 { // leaving 0, where the recursion would divide by 0
		l.opt.SetLR(l.opt.LR() + l.base*(1-cos(math.Pi/period))/2)
		return
	}
	now, before := float64(l.epoch), float64(l.epoch-1)
	l.opt.SetLR((1 + cos(math.Pi*now/period)) / (1 + cos(math.Pi*before/period)) * l.opt.LR())
}
