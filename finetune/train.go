// Package finetune does everything that the notebook does in one call: it trains a published network, with a new head, on
// a folder of images, and writes the best weights and a report into the folder of a run (package run).
//
//	o := finetune.DefaultOptions()
//	o.Data = "my_pictures" // with train/<class>/ and val/<class>/
//	result, err := finetune.Train(ctx, o, finetune.Hooks{})
//	fmt.Println(result.Best.Acc, result.Folder)
package finetune

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"hymenoptera/classify"
	"hymenoptera/internal/disk"
	"hymenoptera/internal/machine"
	"hymenoptera/metrics"
	"hymenoptera/run"
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
	"hymenoptera/trainer"
	"hymenoptera/zoo"
)

// Hooks are called during a training, on libtorch's thread. A nil hook is not called. An error ends the training.
type Hooks struct {
	Log      *slog.Logger            // for messages to people; nil for none
	Download func(done, total int64) // bytes of a download; total is -1 if it is not known
	Warn     func(Warning)           // about data or options; each comes once
	Chosen   func(Options) error     // with the recipe auto: the options that the training will have
	Command  func(Options) string    // returns the command line that repeats a training, for the report
	Report   func(path string)       // once, when there is a report to look at; from any goroutine

	// EpochStart, Step, EpochEnd and Tensor are those of [trainer.Hooks].
	EpochStart func(epoch int) error
	Step       func(epoch int, phase string, done, n int)
	EpochEnd   func(epoch int) error
	Tensor     func(epoch int, phase string, step int, name string, t *torch.Tensor)
	// Checkpoint is called after each step and reports whether to write a checkpoint now, in addition to the regular ones.
	Checkpoint func() bool
	// PhaseEnd is called after each phase, when history.jsonl has its line. The best weights are saved before its error
	// ends the training.
	PhaseEnd func(p metrics.Phase) error
}

// filled returns h with functions for the nil hooks that Train calls without a check.
func (h Hooks) filled() Hooks {
	if h.Log == nil {
		h.Log = slog.New(slog.DiscardHandler)
	}
	if h.Warn == nil {
		h.Warn = func(Warning) {}
	}
	if h.Chosen == nil {
		h.Chosen = func(Options) error { return nil }
	}
	if h.Command == nil {
		h.Command = func(Options) string { return "" }
	}
	if h.Report == nil {
		h.Report = func(string) {}
	}
	return h
}

// A Result is the result of a training. After an error it holds the results so far.
type Result struct {
	run.Result
	Folder  string // the run's
	History metrics.History
	Saved   metrics.Phase // of the weights in best.safetensors; N is 0 if there are none
	KeptOld bool          // the folder still holds the run that was to be replaced
	Last    bool          // the folder holds a checkpoint of the run, from which Resume can go on
}

// Train trains as o says. Errors about options are an [*OptionError], those about the run's folder a [*run.HeldError]
// or a [*run.FolderError], those about an image a [*dataset.SampleError]. When ctx is cancelled, Train returns after
// the current step and keeps the best weights so far. It sets up libtorch for the whole process, as torch.Init does.
func Train(ctx context.Context, o Options, h Hooks) (Result, error) {
	return train(ctx, disk.OS{}, o, nil, h)
}

// train is Train or, if from is not nil, Resume, with the run's files on sys, which may be a file system of a test.
func train(ctx context.Context, sys disk.System, o Options, from *Checkpoint, h Hooks) (result Result, err error) {
	h = h.filled()
	if o.Out == "" {
		o.Out = DefaultOut(o.Model)
	}
	result.Folder = o.Out

	// Quick checks come before downloads and before files are read.
	if err := o.Validate(); err != nil {
		return result, err
	}
	device, err := torch.Init(torch.Options{Device: o.Device, Local: o.local(), Threads: o.Threads, Deterministic: o.Deterministic, Benchmark: !o.Fast})
	if err != nil {
		return result, err
	}
	if from == nil && !o.Follows() {
		if err := run.Check(o.Out, o.Overwrite); err != nil {
			return result, err
		}
		result.KeptOld = run.Held(o.Out) // until the new run replaces it
	}

	p, err := prepare(ctx, o, device, from, h)
	if err != nil {
		return result, err
	}
	if o.Follows() {
		err = torch.Do(ctx, func(s *torch.Scope) error {
			result.Best, err = p.follow(ctx, s)
			return err
		})
		return result, err
	}
	err = torch.Do(ctx, func(s *torch.Scope) error {
		t, err := p.begin(ctx, s, sys)
		if err != nil {
			return err
		}
		defer t.folder.Close()
		best, err := t.fit(ctx, s, p.loaders, trainer.Hooks{EpochStart: h.EpochStart, Step: t.step, Batch: t.report.batch,
			PhaseEnd: t.phaseEnd, Best: t.newBest, EpochEnd: t.epochEnd, Due: t.due, Checkpoint: t.checkpoint, Tensor: h.Tensor})
		err = t.finish(ctx, best, err, &result)
		result.KeptOld = result.KeptOld && t.folder.KeepsOld()
		result.Last = t.folder.HoldsLast()
		return err
	})
	result.KeptOld = result.KeptOld && run.Held(o.Out)
	return result, err
}

// A training holds the state that its hooks need.
type training struct {
	o        Options
	hooks    Hooks
	mode     trainer.Mode
	model    zoo.Network
	folder   *run.Folder
	saver    *run.Saver
	card     classify.Card // describes the best weights, without their phase
	report   *reporter
	start    time.Time
	final    string // SHA-256 of the weights after the last epoch
	lost     error  // returned by PhaseEnd of a validation phase; the weights of that phase are saved first
	stuck    stuckness
	estimate estimate

	// for checkpoints
	origin  origin
	files   []byte         // see listFiles
	steps   int            // of a training phase
	resumed *trainer.State // to resume from, or nil
	peak    int64          // memory, in bytes, before the training was resumed
	copied  time.Time      // when the last checkpoint was copied
	copying time.Duration  // how long that took

	better  int    // the last epoch that was better than those before it; -1 for none
	stopped string // why the training ends before its last epoch
}

// phaseEnd writes the phase to the folder before it calls the hook, so that an error of the hook does not lose it.
func (t *training) phaseEnd(p metrics.Phase) error {
	t.report.phaseEnd(p)
	if err := t.folder.Append(p); err != nil || t.hooks.PhaseEnd == nil {
		return err
	}
	err := t.hooks.PhaseEnd(p)
	if p.Name == "val" {
		t.lost, err = err, nil
	}
	return err
}

func (t *training) newBest(p metrics.Phase) error {
	t.better = p.Epoch
	t.report.keepBest()
	return t.saver.Save(p)
}

func (t *training) epochEnd(epoch int) error {
	if t.endEarly(epoch) {
		t.hooks.Log.Info("the training ends here: " + t.stopped)
	}
	if t.stopped != "" || epoch == t.o.Epochs-1 {
		t.final = fmt.Sprintf("%x", nn.Export(t.model).SHA256())
	}
	if hint := t.stuck.hint(t.report.val, t.report.set.train.Classes); hint != "" {
		t.hooks.Log.Info(hint)
	}
	t.report.epochEnd()
	if t.lost != nil {
		return errors.Join(t.lost, t.saver.Wait())
	}
	if err := t.saver.Err(); err != nil {
		return err
	}
	if t.hooks.EpochEnd != nil {
		if err := t.hooks.EpochEnd(epoch); err != nil {
			return err
		}
	}
	return t.stop()
}

// endEarly reports whether the training ends after an epoch because none was better for too long.
func (t *training) endEarly(epoch int) bool {
	since := epoch - t.better
	if t.o.Patience == 0 || since < t.o.Patience || epoch == t.o.Epochs-1 {
		return false
	}
	t.stopped = fmt.Sprintf("no better epoch in %d", since)
	return true
}

// stop returns ErrStop if the training ends here.
func (t *training) stop() error {
	if t.stopped != "" {
		return trainer.ErrStop
	}
	return nil
}

// finish writes the last files, after a failure too, and fills in the result. It returns err or, if that is nil, an
// error of its own.
func (t *training) finish(ctx context.Context, best metrics.Phase, err error, result *Result) error {
	t.report.work.Wait()
	if lost := t.saver.Finish(best, err != nil); err == nil {
		err = lost
	} else if lost != nil && !errors.Is(err, lost) {
		t.hooks.Log.Warn(fmt.Sprintf("the best weights could not be saved: %v", lost))
	}
	saved, digest := t.saver.Saved()
	t.report.page.Stopped = t.stopped
	t.report.end(ctx, t.model, saved, err)
	result.History = t.report.history
	result.Result = run.Result{Best: best, Seconds: time.Since(t.start).Seconds(), ReportSeconds: time.Duration(t.report.spent.Load()).Seconds(),
		PeakMemory: max(t.peak, machine.PeakMemory()), FinalSHA256: t.final, BestSHA256: digest, Stopped: t.stopped}
	if t.mode.Device != torch.CPU {
		result.PeakGPUMemory = torch.MemoryOf(t.mode.Device).Peak
	}
	if err == nil {
		for _, w := range endWarnings(result.History, t.report.best, t.report.set, t.o) {
			t.hooks.Warn(w)
		}
		err = t.folder.WriteResult(result.Result)
	}
	if lost := t.saver.Check(best); err == nil {
		err = lost
	} else if lost != nil {
		t.hooks.Log.Warn(fmt.Sprintf("not all that the run wrote is there: %v", lost))
	}
	result.Saved, _ = t.saver.Saved()
	return err
}
