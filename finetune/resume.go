package finetune

import (
	"context"
	"errors"
	"fmt"
	"image/png"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hymenoptera/checkpoint"
	"hymenoptera/internal/disk"
	"hymenoptera/internal/machine"
	"hymenoptera/internal/regular"
	"hymenoptera/metrics"
	"hymenoptera/report"
	"hymenoptera/run"
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
	"hymenoptera/trainer"
	"hymenoptera/zoo"
)

// Resume resumes a run from its checkpoint, which it empties, with the results of a training that never stopped. o has the
// checkpoint's options; Epochs may be larger, and Data, Exclude, Device, Threads and options that are not stored may differ.
// Beside Train's errors there are a [*DifferentError], a [*ChangedError], and a [*CheckpointError].
func Resume(ctx context.Context, c *Checkpoint, o Options, h Hooks) (Result, error) {
	o.Out = c.Options.Out
	if err := c.differences(o); err != nil {
		return Result{Folder: o.Out}, err
	}
	return train(ctx, disk.OS{}, o, c, h)
}

// checkImages returns an error unless the images are those that the training began with, and the stored answers are for them.
func (c *Checkpoint) checkImages(files []byte, set images) error {
	if err := compareFiles(c.files, files); err != nil {
		return err
	}
	val, classes, shown := len(set.val.Samples), len(set.train.Classes), 0
	if p := c.Place.Pass; p != nil && p.Phase == "val" {
		shown = p.Done
	}
	best := val
	if len(c.history.Of("val")) == 0 {
		best = 0
	}
	if err := errors.Join(c.best.check(best, checkpoint.Float64, val, classes), c.shown.check(shown, checkpoint.Float32, val, classes)); err != nil {
		return &CheckpointError{err}
	}
	return nil
}

// warn logs the differences that change the last bits of the resumed training.
func (t *training) warn(c *Checkpoint) {
	for _, d := range []struct{ what, then, now string }{
		{"the device", c.Device, t.origin.Device},
		{"the number of threads", fmt.Sprint(c.Options.Threads), fmt.Sprint(t.o.Threads)},
		{"libtorch", c.Libtorch, t.origin.Libtorch},
		{"the processor's instructions", c.CPUCapability, t.origin.CPUCapability},
	} {
		if d.then != d.now {
			t.hooks.Log.Warn(fmt.Sprintf("%s: %s instead of %s, so the results will differ in their last bits from those of a training that never stopped", d.what, d.now, d.then))
		}
	}
	if now := t.o.processes(); now != c.processes {
		t.hooks.Log.Warn(fmt.Sprintf("the number of processes: %d instead of %d, so the order of the images and their crops are others than those of a training that never stopped", now, c.processes))
	}
	if t.o.Epochs > c.Options.Epochs && t.o.Scheduler == "cosine" {
		t.hooks.Log.Warn("the learning rate falls to nothing where the training was to end at first, and rises again after that, as PyTorch's CosineAnnealingLR does")
	}
}

// newOrigin returns the origin of a training that begins with a new network.
func newOrigin(o Options, device torch.Device, model zoo.Network) (origin, error) {
	from := origin{Device: device.String(), Libtorch: torch.Version(), CPUCapability: torch.CPUCapability(), TransformInput: transformInput(model)}
	if !o.Probe {
		return from, nil
	}
	from.StartSHA256 = fmt.Sprintf("%x", nn.Export(model).SHA256())
	if o.Weights != "none" && !zoo.IsWeightsName(o.Weights) {
		var err error
		if from.WeightsFile, err = filepath.Abs(o.Weights); err != nil {
			return from, err
		}
	}
	return from, nil
}

// network makes the network, with its weights, from the checkpoint only.
func (c *Checkpoint) network(s *torch.Scope, o Options, arch zoo.Arch) (zoo.Network, error) {
	sd := &checkpoint.StateDict{}
	if c.TransformInput != "" {
		sd.Metadata = map[string]string{zoo.TransformInputKey: c.TransformInput}
	}
	for _, t := range c.state.Tensors {
		if key, ok := strings.CutPrefix(t.Name, "model."); ok {
			t.Name = key
			sd.Tensors = append(sd.Tensors, t)
		}
	}
	model, err := arch.Load(s, sd)
	if err != nil {
		return nil, &CheckpointError{err}
	}
	if o.Freeze {
		nn.SetRequiresGrad(model, false)
		nn.SetRequiresGrad(model.Head(), true)
	}
	return model, nil
}

// folder reopens the run's folder and restores its state at the checkpoint.
func (c *Checkpoint) folder(sys disk.System, config any) (*run.Folder, error) {
	f, err := run.ResumeOn(sys, c.last)
	if err != nil {
		return nil, err
	}
	if err := f.Continue(config, c.history, c.Best); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// resume sets the state of the training from a checkpoint.
func (t *training) resume(c *Checkpoint) error {
	t.hooks.Log.Info(fmt.Sprintf("continuing %s from %s", t.o.Out, c.Where()))
	if t.origin.StartSHA256 != c.StartSHA256 {
		return &CheckpointError{fmt.Errorf("the weights %s are not those that the run began with", t.o.Weights)}
	}
	t.warn(c)
	t.better, t.stopped, t.final, t.stuck, t.estimate.known = c.Better, c.Stopped, c.Final, c.Stuck, true
	t.start = t.start.Add(-time.Duration(c.Seconds * float64(time.Second)))
	t.peak = c.PeakMemory
	t.resumed, c.state = c.state, nil
	if c.Best != "" {
		t.saver.Continue(c.Place.Best, c.Best)
		if t.o.Probe { // the file has the whole network, of which only the top is trained
			if err := nn.LoadStateDict(t.model, t.resumed.Best); err != nil {
				return &CheckpointError{err}
			}
			t.resumed.Best = nn.Export(t.model.Top())
		}
	}
	t.report.resume(c)
	return nil
}

// resume restores the report from a checkpoint.
func (r *reporter) resume(c *Checkpoint) {
	r.history = c.history
	r.spent.Add(int64(c.ReportSeconds * float64(time.Second)))
	r.best = c.best.predictions()
	r.right = c.Better >= 0
	if c.shown.values.Data != nil {
		var samples []int
		for _, sample := range int64s(c.shown.samples.Data) {
			samples = append(samples, int(sample))
		}
		r.shown = append(r.shown, shown{nn.ImportTensor(r.scope, c.shown.values), samples, int64s(c.shown.labels.Data)})
	}
	r.labels = []int64{} // the first batch has passed; its picture is in a file
	if f, _, err := regular.Open(filepath.Join(c.last.Dir(), gridFile)); err == nil {
		defer f.Close()
		if picture, err := png.Decode(f); err == nil {
			r.page.Grid = report.Embed(picture)
		}
	}
}

// checkpoint is the trainer's Checkpoint hook.
func (t *training) checkpoint(m trainer.Moment) error {
	if t.saver.Checkpointing() { // so that only one copy is in memory
		t.saver.Wait()
	}
	start := time.Now()
	c, err := t.copy(m)
	if err != nil {
		return err
	}
	t.copied, t.copying = start, time.Since(start)
	named := c.state.Place.Best
	if !t.o.Best.Better(named, metrics.Phase{}) { // no file has its weights yet
		named = metrics.Phase{}
	}
	t.saver.Checkpoint(run.Checkpoint{Best: named, Content: c.encode})
	return nil
}

// seldom is how many times the duration of a checkpoint must pass before the next one between two epochs.
const seldom = 100

// due reports whether a checkpoint is to be written.
func (t *training) due(m trainer.Moment) bool {
	first := m.Epoch == 0 && m.Phase == "train"
	switch {
	case errors.Is(m.Cause, context.Canceled):
		return !first || m.Steps > 0
	case m.Cause != nil:
		return !first || t.folder.HoldsLast() // otherwise the run leaves nothing
	case t.hooks.Checkpoint != nil && t.hooks.Checkpoint():
		return true
	case m.Phase == "":
		enough := time.Since(t.copied) >= seldom*(t.copying+t.saver.CheckpointTime())
		return m.Epoch == t.o.Epochs || t.stopped != "" || t.copied.IsZero() || enough && !t.saver.Checkpointing()
	}
	steps := m.Epoch*t.steps + m.Steps
	return m.Phase == "train" && t.o.CheckpointEvery > 0 && steps%t.o.CheckpointEvery == 0
}

// copy returns the checkpoint of a moment.
func (t *training) copy(m trainer.Moment) (*Checkpoint, error) {
	r := t.report
	if m.Epoch == 0 { // before the first report is written
		r.timed(r.grid)
	}
	c := &Checkpoint{Options: t.o, state: m.Copy(), files: t.files, history: slices.Clone(r.history), best: newAnswers(r.best)}
	c.progress = progress{Better: t.better, Stopped: t.stopped, Final: t.final, Stuck: t.stuck,
		Seconds: time.Since(t.start).Seconds(), ReportSeconds: time.Duration(r.spent.Load()).Seconds(), PeakMemory: max(t.peak, machine.PeakMemory()), origin: t.origin}
	if c.Options.Balance == "weights" {
		c.Options.ClassWeights = nil // they were computed
	}
	var err error
	if c.Options, err = c.Options.absolute(); err != nil {
		return nil, err
	}
	return c, torch.Do(context.Background(), func(s *torch.Scope) error {
		if p := c.state.Pass; p == nil || p.Done == 0 { // the phase begins again
			return nil
		}
		for _, v := range r.shown {
			logits := nn.ExportTensor("", v.logits)
			c.shown.values.DType, c.shown.values.Data = logits.DType, append(c.shown.values.Data, logits.Data...)
			for i, sample := range v.samples {
				c.shown.add(sample, v.labels[i])
			}
			c.shown.values.Shape = []int64{c.shown.samples.Shape[0], logits.Shape[1]}
		}
		return nil
	})
}
