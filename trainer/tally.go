package trainer

import (
	"fmt"
	"math"

	"hymenoptera/dataset"
	"hymenoptera/metrics"
	"hymenoptera/torch"
)

// A tally adds up the losses and hits of a phase: on the host after each step or, with Config.Async, on the device,
// from where they are read when the phase ends.
type tally struct {
	loss     float64
	corrects int

	sumOfLosses *torch.Tensor // float64 scalar on the device, or nil
	sumOfHits   *torch.Tensor // int64 scalar
}

// newTally returns an empty tally; s owns its tensors.
func newTally(s *torch.Scope, cfg Config) *tally {
	if !cfg.Async {
		return &tally{}
	}
	return &tally{sumOfLosses: torch.Zeros(s, torch.Float64, cfg.Device), sumOfHits: torch.Zeros(s, torch.Int64, cfg.Device)}
}

// add takes in the result of a batch. On the host it fails where the loss is not finite.
func (t *tally) add(r result, p metrics.Phase, step int, b *dataset.Batch, set set) error {
	if t.sumOfLosses != nil {
		torch.NoGrad(func() { torch.AddScaledInPlace(t.sumOfLosses, r.loss, float64(b.N)) })
		torch.AddInPlace(t.sumOfHits, r.hits)
		return nil
	}
	loss := torch.Item(r.loss)
	if !isFinite(loss) {
		return lossError(loss, p, step, b, set)
	}
	t.loss += loss * float64(b.N)
	t.corrects += int(torch.Item(r.hits))
	return nil
}

// end fills in what the phase came to.
func (t *tally) end(p *metrics.Phase) error {
	if t.sumOfLosses != nil {
		t.loss, t.corrects = torch.Item(t.sumOfLosses), int(torch.Item(t.sumOfHits))
		if !isFinite(t.loss) {
			return fmt.Errorf("trainer: the loss became %v in epoch %d, %s, at learning rate %v (a lower --lr may help; without --fast the batch is told)",
				t.loss, p.Epoch, p.Name, p.LR)
		}
	}
	p.Loss, p.Corrects = t.loss/float64(p.N), t.corrects
	p.Acc = float64(p.Corrects) / float64(p.N)
	return nil
}

func isFinite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
