package trainer

import (
	"fmt"
	"math"
	"strings"

	"hymenoptera/metrics"
	"hymenoptera/torch"
)

// sums are a phase's losses and hits. They are added up on the host after each step or, with Config.Async, on the device,
// and read when the phase ends.
type sums struct {
	loss     float64
	corrects int

	deviceLoss *torch.Tensor // float64 scalar, or nil
	deviceHits *torch.Tensor // int64 scalar
}

// newSums returns empty sums; s owns their tensors.
func newSums(s *torch.Scope, cfg Config) *sums {
	if !cfg.Async {
		return &sums{}
	}
	return &sums{deviceLoss: torch.Zeros(s, torch.Float64, cfg.Device), deviceHits: torch.Zeros(s, torch.Int64, cfg.Device)}
}

// add adds the result of a batch of n samples. On the host it reports whether the loss is finite.
func (t *sums) add(r result, n int) (loss float64, ok bool) {
	if t.deviceLoss != nil {
		torch.NoGrad(func() { torch.AddScaledInPlace(t.deviceLoss, r.loss, float64(n)) })
		torch.AddInPlace(t.deviceHits, r.hits)
		return 0, true
	}
	loss = torch.Item(r.loss)
	if !isFinite(loss) {
		return loss, false
	}
	// float64(…): without it, arm64 fuses the product with the sum.
	t.loss += float64(loss * float64(n))
	t.corrects += int(torch.Item(r.hits))
	return loss, true
}

// end sets the loss and accuracy of a phase and reports whether the loss is finite.
func (t *sums) end(p *metrics.Phase) (loss float64, ok bool) {
	loss, p.Corrects = t.get()
	p.Loss = loss / float64(p.N)
	p.Acc = float64(p.Corrects) / float64(p.N)
	return loss, isFinite(loss)
}

// get returns the sums. It waits for the device.
func (t *sums) get() (loss float64, corrects int) {
	if t.deviceLoss != nil {
		return torch.Item(t.deviceLoss), int(torch.Item(t.deviceHits))
	}
	return t.loss, t.corrects
}

// set is the inverse of get.
func (t *sums) set(loss float64, corrects int) {
	if t.deviceLoss != nil {
		torch.FillInPlace(t.deviceLoss, loss)
		torch.FillInPlace(t.deviceHits, float64(corrects))
		return
	}
	t.loss, t.corrects = loss, corrects
}

func isFinite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// A LossError says that the loss became NaN or infinite.
type LossError struct {
	Epoch int
	Phase string   // "train" or "val"
	Step  int      // in the phase; -1 with Config.Async, which finds this out when the phase ends
	LR    float64  // the learning rate
	Loss  float64  // NaN or infinite
	Files []string // of the step's batch; nil if unknown
}

func (e *LossError) Error() string {
	where, batch := e.Phase, ""
	if e.Step >= 0 {
		const most = 64
		files := e.Files
		if rest := len(files) - most; rest > 0 {
			files = append(files[:most:most], fmt.Sprintf("and %d more", rest))
		}
		where, batch = fmt.Sprintf("%s step %d", e.Phase, e.Step), "; its batch: "+strings.Join(files, ", ")
	}
	return fmt.Sprintf("trainer: the loss became %v in epoch %d, %s, at learning rate %v%s", e.Loss, e.Epoch, where, e.LR, batch)
}

func (l *loop) lossError(loss, lr float64, files []string) *LossError {
	return &LossError{Epoch: l.epoch, Phase: l.phase, Step: l.batch, LR: lr, Loss: loss, Files: files}
}

// files returns the files of samples.
func files(feed feed, samples []int) (paths []string) {
	for _, i := range samples {
		paths = append(paths, feed.Path(i))
	}
	return paths
}
