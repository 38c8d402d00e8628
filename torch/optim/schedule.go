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
		scale(l.opt, l.gamma)
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
func (l *ExponentialLR) Step() { scale(l.opt, l.gamma) }

// scale multiplies the rates by a factor.
func scale(opt Optimizer, factor float64) {
	rates := opt.Rates()
	for i := range rates {
		rates[i] *= factor
	}
	opt.SetRates(rates)
}

// CosineAnnealingLR is torch.optim.lr_scheduler.CosineAnnealingLR down to a rate of 0, by its recursive form:
// each rate comes from the previous one.
type CosineAnnealingLR struct {
	opt   Optimizer
	base  []float64 // the first rates
	tMax  int       // epochs until the rates are 0
	epoch int
}

// NewCosineAnnealingLR returns a scheduler for opt, at epoch 0.
func NewCosineAnnealingLR(opt Optimizer, tMax int) *CosineAnnealingLR {
	return &CosineAnnealingLR{opt: opt, base: opt.Rates(), tMax: tMax}
}

// Step implements Scheduler.
func (l *CosineAnnealingLR) Step() {
	l.epoch++
	period := float64(l.tMax)
	now, before := float64(l.epoch), float64(l.epoch-1)
	rates := l.opt.Rates()
	for i := range rates {
		if (l.epoch-1-l.tMax)%(2*l.tMax) == 0 { // leaving 0, where the recursion would divide by 0
			// float64(…): without it, arm64 fuses the product with the sum.
			rates[i] += float64(l.base[i] * (1 - cos(math.Pi/period)) / 2)
		} else {
			rates[i] *= (1 + cos(math.Pi*now/period)) / (1 + cos(math.Pi*before/period))
		}
	}
	l.opt.SetRates(rates)
}

// WarmUp is torch.optim.lr_scheduler.SequentialLR of LinearLR and another schedule: the rates rise linearly from a
// share of themselves, and then the other schedule begins.
type WarmUp struct {
	opt   Optimizer
	base  []float64 // the rates that the other one begins with
	start float64   // their share at the beginning
	steps int
	then  Scheduler
	step  int
}

// NewWarmUp returns a scheduler that raises opt's rates from the share start to the full rates in the given number of
// steps, and afterwards steps then, which must be new.
func NewWarmUp(opt Optimizer, start float64, steps int, then Scheduler) *WarmUp {
	w := &WarmUp{opt: opt, base: opt.Rates(), start: start, steps: steps, then: then}
	scale(opt, start)
	return w
}

// Step implements Scheduler.
func (w *WarmUp) Step() {
	w.step++
	switch {
	case w.step < w.steps:
		scale(w.opt, 1+(1-w.start)/(float64(float64(w.steps)*w.start)+float64(float64(w.step-1)*(1-w.start))))
	case w.step == w.steps:
		w.opt.SetRates(w.base)
	default:
		w.then.Step()
	}
}
