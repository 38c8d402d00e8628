package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"hymenoptera/metrics"
	"hymenoptera/report"
	"hymenoptera/run"
	"hymenoptera/torch"
	"hymenoptera/trainer"
	"hymenoptera/transforms"
)

// How many pictures a report shows: the notebook's six, and the most confident mistakes.
const (
	examples = 6
	mistakes = 6
)

// A reporter makes a run's pictures and report.html. It takes what the training computes anyway: the first
// batch, and the logits of the validation images. It draws nothing from libtorch's generator, and what goes
// wrong with it is told and does not end a training.
type reporter struct {
	job     *job
	page    report.Page // belongs to the work while it is busy
	history metrics.History
	work    background   // on the page, beside the training
	spent   atomic.Int64 // nanoseconds
	broken  atomic.Bool  // an error was told already

	first  []float32 // the first batch, until its picture is made
	labels []int64   // and its classes

	scope     *torch.Scope         // of the training
	shown     []shown              // in this validation phase
	val, best []metrics.Prediction // of this epoch and of the best, or the last while none got an image right
	right     bool                 // one did
}

func newReporter(j *job) (*reporter, error) {
	r := &reporter{job: j}
	how := "every layer trained"
	if j.Freeze {
		how = "frozen, a new head trained"
	}
	if j.Probe {
		how = "frozen, a new head trained on features computed once"
	}
	r.page = report.Page{
		Title:   fmt.Sprintf("%s, %s, on %s", j.Model, how, filepath.Base(filepath.Clean(j.Data))),
		Classes: j.classes, Epochs: j.Epochs, Features: j.Probe, Command: j.options.command(),
		Config: j.options.fields(), Machine: machineFields(j.mode.Device, j.Threads),
	}
	if j.Beneath == "" {
		return r, nil
	}
	var err error
	r.page.BeneathName = filepath.Base(j.Beneath)
	if r.page.Beneath, err = readLog(j.Beneath); err != nil {
		return nil, fmt.Errorf("--beneath %s: %w", j.Beneath, err)
	}
	return r, nil
}

// timed runs f and counts its time; its error is told once.
func (r *reporter) timed(f func() error) {
	start := time.Now()
	err := f()
	r.spent.Add(int64(time.Since(start)))
	if err != nil && !r.broken.Swap(true) {
		r.job.messages.warn("the report is not complete: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
}

// shown are the logits of a batch of validation images, on the training's device until the phase ends.
type shown struct {
	logits  *torch.Tensor // N×classes
	samples []int
	labels  []int64
}

// batch is the trainer's Batch hook. It waits for the device once, for the very first batch.
func (r *reporter) batch(b trainer.Batch) {
	r.timed(func() error {
		return torch.Do(context.Background(), func(s *torch.Scope) error {
			switch {
			case b.Phase == "val":
				r.shown = append(r.shown, shown{torch.Clone(r.scope, torch.Detach(s, b.Logits)), slices.Clone(b.Samples), slices.Clone(b.Labels)})
			case r.labels == nil && !r.job.Probe: // whose batches are no pictures
				r.first, r.labels = torch.Float32s(s, b.Inputs), slices.Clone(b.Labels)
			}
			return nil
		})
	})
}

// predict makes predictions of what was shown in a validation phase.
func (r *reporter) predict() {
	r.timed(func() error {
		return torch.Do(context.Background(), func(s *torch.Scope) error {
			for _, v := range r.shown {
				all := torch.Float32s(s, v.logits)
				classes := len(all) / len(v.samples)
				for i, sample := range v.samples {
					r.val = append(r.val, metrics.Prediction{Sample: sample, Label: int(v.labels[i]),
						Probs: metrics.Softmax(all[i*classes : (i+1)*classes])})
				}
				v.logits.Free()
			}
			r.shown = nil
			return nil
		})
	})
}

// phaseEnd adds a phase to the curves.
func (r *reporter) phaseEnd(p metrics.Phase) {
	r.history = append(r.history, p)
	if p.Name == "val" {
		if r.predict(); !r.right {
			r.best = r.val
		}
	}
}

// keepBest makes the predictions of this epoch those of the best weights.
func (r *reporter) keepBest() { r.best, r.right = r.val, true }

// epochEnd replaces report.html, beside the next epoch. Where epochs are so short that it is still at an earlier one,
// this one comes into the next report.
func (r *reporter) epochEnd() {
	r.val = nil
	if r.work.busy() {
		return
	}
	r.page.History, r.page.Predictions = slices.Clone(r.history), r.best
	r.work.start(func() {
		r.timed(func() error {
			err := r.grid()
			if r.page.Train.Images == nil {
				r.summarise()
			}
			if r.page.Running() { // the last one is written by end
				err = errors.Join(err, r.write())
			}
			if r.job.folder.Vanished() { // which ends the training
				return nil
			}
			return err
		})
	})
}

// grid writes the picture of the first batch, once.
func (r *reporter) grid() error {
	if r.first == nil {
		return nil
	}
	side := r.job.ImageSize
	grid := report.Grid(r.first, side, side, transforms.Train(side))
	var labels []int
	for _, l := range r.labels {
		labels = append(labels, int(l))
	}
	r.first = nil
	picture := report.GridPicture(grid, labels, r.job.classes)
	r.page.Grid = report.Embed(picture)
	return r.picture("grid.png", picture)
}

// end makes what the training shows, after a failure too. The model holds the best weights; saved is the phase whose
// weights best.safetensors holds. No work is under way any more.
func (r *reporter) end(ctx context.Context, saved metrics.Phase, failure error) {
	if len(r.history) == 0 {
		return
	}
	r.page.History = r.history
	r.page.Predictions = r.best
	if best, ok := r.page.History.Best(); r.best != nil && saved.N == 0 {
		r.page.Unsaved = "The weights could not be saved."
	} else if r.best != nil && !ok {
		r.page.Unsaved = fmt.Sprintf("No epoch got a validation image right: best.safetensors holds the weights of the last one, epoch %d.", saved.Epoch)
	} else if ok && saved.Epoch != best.Epoch {
		r.page.Unsaved = fmt.Sprintf("The best weights could not be saved: best.safetensors holds those of epoch %d, with an accuracy of %.1f %%.", saved.Epoch, 100*saved.Acc)
	}
	r.timed(func() error {
		err := r.grid()
		if failure != nil {
			r.page.Stopped = shortened(oneLine(failure.Error()), 300)
			if cause := context.Cause(ctx); cause != nil {
				r.page.Stopped = cause.Error()
			}
		}
		var curves errgroup.Group
		curves.Go(r.curves)
		if len(r.page.Predictions) > 0 {
			// This is what is under way when the first Ctrl-C comes, and it takes a moment.
			ctx := context.WithoutCancel(ctx)
			err = errors.Join(err, torch.Do(ctx, func(s *torch.Scope) error { return r.show(ctx, s) }), r.predictions())
		}
		r.page.Machine = append(r.page.Machine, report.Field{Name: "peak memory", Value: fmt.Sprintf("%.2f GB", float64(peakMemory())/1e9)})
		if r.job.mode.Device != torch.CPU {
			m := torch.MemoryOf(r.job.mode.Device)
			r.page.Machine = append(r.page.Machine, report.Field{Name: "peak GPU memory", Value: fmt.Sprintf("%.2f GB by tensors", float64(m.Peak)/1e9)})
		}
		return errors.Join(err, curves.Wait(), r.write())
	})
}

// curves writes curves.png and curves.svg.
func (r *reporter) curves() error {
	c := report.Curves{History: r.page.History, Beneath: r.page.Beneath, BeneathName: r.page.BeneathName}
	var png, svg bytes.Buffer
	if err := errors.Join(c.WritePNG(&png), c.WriteSVG(&svg)); err != nil {
		return err
	}
	return errors.Join(r.job.folder.Write("curves.png", png.Bytes()), r.job.folder.Write("curves.svg", svg.Bytes()))
}

func (r *reporter) write() error {
	var b bytes.Buffer
	if err := r.page.Write(&b); err != nil {
		return err
	}
	return r.job.folder.Write(run.ReportFile, b.Bytes())
}

func (r *reporter) picture(name string, m image.Image) error {
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, m); err != nil {
		return err
	}
	return r.job.folder.Write(name, b.Bytes())
}
