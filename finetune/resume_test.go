package finetune_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hymenoptera/checkpoint"
	"hymenoptera/finetune"
	"hymenoptera/metrics"
	"hymenoptera/run"
	"hymenoptera/shards"
)

// An ending has the results of a finished run, apart from times.
type ending struct {
	history     metrics.History
	final, best string // SHA-256 of weights
	predictions []run.Prediction
	stopped     string
}

func endingOf(t *testing.T, dir string) (e ending) {
	t.Helper()
	history, err := run.ReadHistory(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range history {
		p.Seconds, p.Wait = 0, 0
		e.history = append(e.history, p)
	}
	result, err := run.ReadResult(dir)
	if err != nil {
		t.Fatal(err)
	}
	e.final, e.best, e.stopped = result.FinalSHA256, result.BestSHA256, result.Stopped
	if sd, err := checkpoint.Read(filepath.Join(dir, run.BestFile)); err != nil || fmt.Sprintf("%x", sd.SHA256()) != e.best {
		t.Errorf("best.safetensors is not that of the result, error %v", err)
	}
	if e.predictions, err = run.ReadPredictions(dir); err != nil {
		t.Error(err)
	}
	return e
}

func (e ending) equals(other ending) bool {
	return slices.Equal(e.history, other.history) && e.final == other.final && e.best == other.best && e.stopped == other.stopped &&
		slices.Equal(e.predictions, other.predictions)
}

// packed packs the images into three shards or more.
func packed(t *testing.T, o finetune.Options) (dir string) {
	t.Helper()
	train, val, err := finetune.Images(t.Context(), o, finetune.Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(t.TempDir(), "packed")
	po := shards.DefaultPackOptions()
	po.Bytes = 10_000
	if x, err := shards.Pack(t.Context(), dir, train, val, po); err != nil || len(x.Shards) < 3 {
		t.Fatalf("%d shards, error %v", len(x.Shards), err)
	}
	return dir
}

// A training that is stopped at any place and resumed ends like one that was never stopped.
func TestResume(t *testing.T) {
	for name, change := range map[string]func(o *finetune.Options){
		"notebook":      func(o *finetune.Options) {},
		"fast":          func(o *finetune.Options) { o.Fast = true },
		"frozen":        func(o *finetune.Options) { o.Freeze, o.Workers = true, 0 },
		"probe":         func(o *finetune.Options) { o.Freeze, o.Probe = true, true },
		"views":         func(o *finetune.Options) { o.Freeze, o.Probe, o.Views, o.Optimizer = true, true, 2, "adam" },
		"average":       func(o *finetune.Options) { o.EMA, o.Optimizer, o.Scheduler, o.WarmUp = 0.8, "adamw", "cosine", 3 },
		"sampling":      func(o *finetune.Options) { o.Balance, o.Best, o.Augment = "sampling", metrics.ByMacroF1, "trivial" },
		"balanced":      func(o *finetune.Options) { o.Balance, o.ClipGradNorm, o.LayerDecay = "weights", 1, 0.8 },
		"head first":    func(o *finetune.Options) { o.HeadEpochs, o.Scheduler = 2, "exponential" },
		"patience":      func(o *finetune.Options) { o.Epochs, o.Patience, o.Best, o.LR = 30, 2, metrics.ByLoss, 0.05 },
		"shards":        func(o *finetune.Options) { o.Data = packed(t, *o) },
		"nothing right": func(o *finetune.Options) { o.LR, o.Seed = 1e-9, 3 },
	} {
		t.Run(name, func(t *testing.T) {
			o := small(t)
			o.Epochs, o.CheckpointEvery = 3, 2
			change(&o)
			whole := o
			whole.Out += "-whole"
			steps := 0
			count := func(_ int, phase string, done, _ int) {
				if phase != "features" && done > 0 {
					steps++
				}
			}
			if _, err := finetune.Train(t.Context(), whole, finetune.Hooks{Step: count}); err != nil {
				t.Fatal(err)
			}
			want := endingOf(t, whole.Out)
			for _, stop := range []int{steps / 2} {
				o.Out = filepath.Join(t.TempDir(), "run")
				ctx, cancel := context.WithCancel(t.Context())
				all := steps
				steps = 0
				r, err := finetune.Train(ctx, o, finetune.Hooks{Step: func(epoch int, phase string, done, n int) {
					if count(epoch, phase, done, n); steps == stop {
						cancel()
					}
				}})
				steps = all
				if !errors.Is(err, context.Canceled) || !r.Last {
					t.Fatalf("stopped at %d: error %v, a checkpoint %v", stop, err, r.Last)
				}
				var log strings.Builder
				c, err := finetune.ReadCheckpoint(o.Out)
				if err != nil {
					t.Fatal(err)
				}
				hooks := finetune.Hooks{Log: slog.New(slog.NewTextHandler(&log, nil))}
				if r, err = finetune.Resume(t.Context(), c, c.Options, hooks); err != nil {
					t.Fatal(err)
				}
				if got := endingOf(t, o.Out); !got.equals(want) || !strings.Contains(log.String(), "from "+c.Where()) || strings.Contains(log.String(), "WARN") {
					t.Errorf("stopped at %d of %d:\n got %+v\nwant %+v\nlog %s", stop, steps, got, want, &log)
				}
				if !r.Last || r.Seconds <= 0 || len(r.History) != len(want.history) {
					t.Errorf("stopped at %d: the result is %+v", stop, r)
				}
			}
		})
	}
}

// A finished training continues if it gets more epochs. If the schedule does not depend on their number, it ends like one
// that had them from the start.
func TestResumeWithMoreEpochs(t *testing.T) {
	o := small(t)
	whole := o
	whole.Out, whole.Epochs = o.Out+"-whole", 4
	if _, err := finetune.Train(t.Context(), whole, finetune.Hooks{}); err != nil {
		t.Fatal(err)
	}
	if _, err := finetune.Train(t.Context(), o, finetune.Hooks{}); err != nil {
		t.Fatal(err)
	}
	c, err := finetune.ReadCheckpoint(o.Out)
	if err != nil {
		t.Fatal(err)
	}
	more := c.Options
	more.Epochs = 4
	for _, o := range []finetune.Options{c.Options, more} {
		if finished, err := c.Finished(o); finished != (o.Epochs == 2) || err != nil || c.Where() != "epoch 2" {
			t.Errorf("with %d epochs: finished %v, error %v, at %s", o.Epochs, finished, err, c.Where())
		}
	}
	if _, err := finetune.Resume(t.Context(), c, more, finetune.Hooks{}); err != nil {
		t.Fatal(err)
	}
	if got, want := endingOf(t, o.Out), endingOf(t, whole.Out); !got.equals(want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// Resume refuses other options, other images, and damaged files.
func TestResumeRefuses(t *testing.T) {
	o := small(t)
	if _, err := finetune.Train(t.Context(), o, finetune.Hooks{}); err != nil {
		t.Fatal(err)
	}
	if _, err := finetune.ReadCheckpoint(o.Data); !errors.As(err, new(*finetune.NoCheckpointError)) {
		t.Errorf("no checkpoint: got %v", err)
	}
	resume := func(change func(o *finetune.Options)) error {
		c, err := finetune.ReadCheckpoint(o.Out)
		if err != nil {
			return err
		}
		other := c.Options
		change(&other)
		_, err = finetune.Resume(t.Context(), c, other, finetune.Hooks{})
		return err
	}
	same := func(*finetune.Options) {}
	different := &finetune.DifferentError{}
	if err := resume(func(o *finetune.Options) {
		o.Epochs, o.LR, o.OnlyClasses, o.LabelSmoothing = 1, 1, []string{"ants"}, 0.5
	}); !errors.As(err, &different) ||
		err.Error() != "the run began with no only_classes, lr 0.01, label_smoothing 0, epochs 2 (which may only grow)" {
		t.Errorf("other options: got %v", err)
	}
	file := filepath.Join(o.Data, "train", "ants", "000.jpg")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for how, change := range map[string]func() error{
		"is new":  func() error { return os.WriteFile(filepath.Join(o.Data, "train", "bees", "new.jpg"), data, 0o666) },
		"is gone": func() error { return os.Rename(file, file+".txt") },
		fmt.Sprintf("has %d bytes instead of %d", len(data)+1, len(data)): func() error { return os.WriteFile(file, append(data, 0), 0o666) },
	} {
		if err := change(); err != nil {
			t.Fatal(err)
		}
		changed := &finetune.ChangedError{}
		if err := resume(same); !errors.As(err, &changed) || changed.How != how {
			t.Errorf("images: got %v, want one that %s", err, how)
		}
		os.Remove(filepath.Join(o.Data, "train", "bees", "new.jpg"))
		os.Remove(file + ".txt")
		if err := os.WriteFile(file, data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	moved := o.Data + "-moved"
	if err := os.Rename(o.Data, moved); err != nil {
		t.Fatal(err)
	}
	if err := resume(func(o *finetune.Options) { o.Data = moved }); err != nil {
		t.Errorf("images that were moved: got %v", err)
	}
	damaged := &finetune.CheckpointError{}
	for _, name := range []string{run.BestFile, run.LastFile} {
		file := filepath.Join(o.Out, name)
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		data[len(data)-1000] ^= 1
		if err := os.WriteFile(file, data, 0o666); err != nil {
			t.Fatal(err)
		}
		if err := resume(same); !errors.As(err, &damaged) || !strings.Contains(err.Error(), file) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s with another bit: got %v", name, err)
		}
		if err := os.Truncate(file, 1000); err != nil {
			t.Fatal(err)
		}
		if err := resume(same); !errors.As(err, &damaged) || !strings.Contains(err.Error(), o.Out) {
			t.Errorf("%s cut short: got %v", name, err)
		}
	}
}
