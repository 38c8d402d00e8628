package finetune

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"hymenoptera/internal/background"
	"hymenoptera/internal/machine"
	"hymenoptera/internal/text"
	"hymenoptera/metrics"
	"hymenoptera/report"
	"hymenoptera/run"
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
	"hymenoptera/trainer"
	"hymenoptera/transforms"
)

// How many pictures a report shows: six, as in the notebook, and the most confident mistakes.
const (
	examples = 6
	mistakes = 6
)

// A reporter makes a run's pictures and report.html from tensors that the training computes anyway: the first batch,
// and the logits of the validation images. It draws nothing from libtorch's generator. It logs its errors, which
// do not end the training.
type reporter struct {
	o          Options
	set        images
	mode       trainer.Mode
	validation transforms.Transform
	folder     *run.Folder
	log        *slog.Logger
	scope      *torch.Scope // the training's
	written    func()       // called once, when the report is written

	page    report.Page // belongs to work while it is busy
	history metrics.History
	work    background.Runner // writes the page during the training
	spent   atomic.Int64      // nanoseconds
	broken  atomic.Bool       // an error was logged

	first  []float32 // the first batch, until its picture is made
	labels []int64   // and its classes

	shown     []shown              // the logits of this validation phase
	val, best []metrics.Prediction // of this epoch; of the best, or of the last while no epoch has got an image right
	right     bool                 // an epoch has got an image right
}

// begin adds the options, the command that repeats the training and the machine to the page.
func (r *reporter) begin(command string, beneath metrics.History) {
	o := r.o
	how := "every layer trained"
	if o.Freeze {
		how = "frozen, a new head trained"
	}
	if o.Probe {
		how = "frozen, a new head trained on features computed once"
	}
	r.page = report.Page{
		Title:   fmt.Sprintf("%s, %s, on %s", o.Model, how, filepath.Base(filepath.Clean(o.Data))),
		Classes: r.set.train.Classes, Epochs: o.Epochs, Rule: o.Best, Features: o.Probe, Command: command,
		Config: o.fields(), Differs: o.differences(), Reload: reloadSeconds, Machine: machineFields(r.mode.Device, o.Threads),
	}
	if beneath != nil {
		r.page.Beneath, r.page.BeneathName = beneath, filepath.Base(o.Beneath)
	}
}

// readBeneath reads the log of the training to draw beneath the curves, if one is named.
func readBeneath(file string) (metrics.History, error) {
	if file == "" {
		return nil, nil
	}
	h, err := run.ReadLog(file)
	if err != nil {
		return nil, &OptionError{Option: "beneath", Value: file, Problem: err.Error()}
	}
	return h, nil
}

// timed runs f and counts its time. It logs the first error.
func (r *reporter) timed(f func() error) {
	start := time.Now()
	err := f()
	r.spent.Add(int64(time.Since(start)))
	if err != nil && !r.broken.Swap(true) {
		r.log.Warn("the report is not complete: " + strings.ReplaceAll(err.Error(), "\n", "; "))
	}
}

// shown has the logits of a batch of validation images, on the training's device until the phase ends.
type shown struct {
	logits  *torch.Tensor // N×classes
	samples []int
	labels  []int64
}

// batch is the trainer's Batch hook. It waits for the device only for the very first batch.
func (r *reporter) batch(b trainer.Batch) {
	r.timed(func() error {
		return torch.Do(context.Background(), func(s *torch.Scope) error {
			switch {
			case b.Phase == "val":
				r.shown = append(r.shown, shown{torch.Clone(r.scope, torch.Detach(s, b.Logits)), slices.Clone(b.Samples), slices.Clone(b.Labels)})
			case r.labels == nil && !r.o.Probe: // the batches of a probe are not pictures
				r.first, r.labels = torch.Float32s(s, b.Inputs), slices.Clone(b.Labels)
			}
			return nil
		})
	})
}

// predict turns the logits of a validation phase into predictions.
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

// keepBest keeps the predictions of this epoch as those of the best weights.
func (r *reporter) keepBest() { r.best, r.right = r.val, true }

// epochEnd replaces report.html during the next epoch. If an earlier report is still being written, because epochs are
// short, the next report shows this epoch.
func (r *reporter) epochEnd() {
	r.val = nil
	if r.work.Busy() {
		return
	}
	r.page.History, r.page.Predictions = slices.Clone(r.history), r.best
	r.work.Start(func() {
		r.timed(func() error {
			err := r.grid()
			if r.page.Train.Images == nil {
				r.summarise(context.Background())
			}
			if r.page.Running() { // end writes the last report
				err = errors.Join(err, r.write())
			}
			if r.folder.Vanished() { // that ends the training
				return nil
			}
			return err
		})
	})
}

// reloadSeconds is how often the page of a running training reloads itself.
const reloadSeconds = 20

const gridFile = "grid.png"

// grid writes the picture of the first batch, once.
func (r *reporter) grid() error {
	if r.first == nil {
		return nil
	}
	side := r.o.ImageSize
	grid := report.Grid(r.first, side, side, transforms.Train(side))
	var labels []int
	for _, l := range r.labels {
		labels = append(labels, int(l))
	}
	r.first = nil
	picture := report.GridPicture(grid, labels, r.set.train.Classes)
	r.page.Grid = report.Embed(picture)
	return r.picture(gridFile, picture)
}

// end writes the whole report, after a failure too. The model holds the best weights, and saved is the phase whose weights
// are in best.safetensors. Nothing else may be running.
func (r *reporter) end(ctx context.Context, model nn.Module, saved metrics.Phase, failure error) {
	if len(r.history) == 0 {
		return
	}
	r.page.History = r.history
	r.page.Predictions = r.best
	if best, ok := r.page.History.Best(r.o.Best); r.best != nil && saved.N == 0 {
		r.page.Unsaved = "The weights could not be saved."
	} else if r.best != nil && !ok {
		r.page.Unsaved = fmt.Sprintf("No epoch got a validation image right: best.safetensors holds the weights of the last one, epoch %d.", saved.Epoch)
	} else if ok && saved.Epoch != best.Epoch {
		r.page.Unsaved = fmt.Sprintf("The best weights could not be saved: best.safetensors holds those of epoch %d, with an accuracy of %.1f %%.", saved.Epoch, 100*saved.Acc)
	}
	r.timed(func() error {
		err := r.grid()
		if failure != nil {
			r.page.Stopped = text.Short(text.OneLine(failure.Error()), 300)
			if cause := context.Cause(ctx); cause != nil {
				r.page.Stopped = cause.Error()
			}
		}
		var curves errgroup.Group
		curves.Go(r.curves)
		if len(r.page.Predictions) > 0 {
			// The first Ctrl-C lets this finish: it takes a moment.
			ctx := context.WithoutCancel(ctx)
			err = errors.Join(err, torch.Do(ctx, func(s *torch.Scope) error { return r.show(ctx, s, model) }), r.predictions())
		}
		r.page.Machine = append(r.page.Machine, report.Field{Name: "peak memory", Value: fmt.Sprintf("%.2f GB", float64(machine.PeakMemory())/1e9)})
		if r.mode.Device != torch.CPU {
			m := torch.MemoryOf(r.mode.Device)
			r.page.Machine = append(r.page.Machine, report.Field{Name: "peak GPU memory", Value: fmt.Sprintf("%.2f GB by tensors", float64(m.Peak)/1e9)})
		}
		return errors.Join(err, curves.Wait(), r.write())
	})
}

// curves writes curves.png and curves.svg.
func (r *reporter) curves() error {
	c := report.Curves{History: r.page.History, Rule: r.o.Best, Beneath: r.page.Beneath, BeneathName: r.page.BeneathName}
	var png, svg bytes.Buffer
	if err := errors.Join(c.WritePNG(&png), c.WriteSVG(&svg)); err != nil {
		return err
	}
	return errors.Join(r.folder.Write("curves.png", png.Bytes()), r.folder.Write("curves.svg", svg.Bytes()))
}

func (r *reporter) write() error {
	var b bytes.Buffer
	if err := r.page.Write(&b); err != nil {
		return err
	}
	err := r.folder.Write(run.ReportFile, b.Bytes())
	if err == nil {
		r.written()
	}
	return err
}

func (r *reporter) picture(name string, m image.Image) error {
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, m); err != nil {
		return err
	}
	return r.folder.Write(name, b.Bytes())
}
