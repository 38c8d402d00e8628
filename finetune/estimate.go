package finetune

import (
	"fmt"
	"time"

	"hymenoptera/torch"
)

// An estimate measures once, over a quarter of an epoch, how long an image takes.
type estimate struct {
	known bool
	began time.Time // when the first step, which is slower than others, ended
	done  int       // images of that step
}

// perImage returns the seconds per image as soon as they are known. done of the n images of an epoch have been trained on.
func (e *estimate) perImage(done, n int) (seconds float64, ok bool) {
	switch {
	case e.known || done == 0:
		return 0, false
	case e.began.IsZero() || done <= e.done: // after the first step, or in the next epoch
		e.began, e.done = time.Now(), done
		return 0, false
	case done < n/4:
		return 0, false
	}
	e.known = true
	return time.Since(e.began).Seconds() / float64(done-e.done), true
}

// step calls the hook and estimates how long the training takes, except on a GPU, whose first steps are not typical, and on
// features, which takes little time.
func (t *training) step(epoch int, phase string, done, n int) {
	if t.hooks.Step != nil {
		t.hooks.Step(epoch, phase, done, n)
	}
	if phase != "train" || t.o.Probe || t.mode.Device != torch.CPU {
		return
	}
	if perImage, ok := t.estimate.perImage(done, n); ok {
		images := n + len(t.report.set.val.Samples)/(3*t.o.processes()) // validation has no backward pass
		whole := time.Duration(perImage * float64(images*t.o.Epochs) * float64(time.Second))
		t.hooks.Log.Info(fmt.Sprintf("the training takes about %v", whole.Round(time.Second)))
	}
}
