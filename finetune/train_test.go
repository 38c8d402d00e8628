package finetune_test

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"hymenoptera/checkpoint"
	"hymenoptera/dataset"
	"hymenoptera/finetune"
	"hymenoptera/internal/synth"
	"hymenoptera/metrics"
	"hymenoptera/run"
)

// small returns options for the quickest training, on images that it draws.
func small(t *testing.T) finetune.Options {
	t.Helper()
	dir := t.TempDir()
	o := finetune.DemoOptions()
	o.Data, o.Out = filepath.Join(dir, "images"), filepath.Join(dir, "run")
	o.Epochs, o.BatchSize, o.ImageSize, o.Threads = 2, 2, 40, 1
	if err := synth.Write(o.Data, synth.Config{Train: 2, Val: 1, MinSide: 40, MaxSide: 60}); err != nil {
		t.Fatal(err)
	}
	return o
}

// Train calls the hooks in order; the folder, the result and the hooks agree.
func TestTrain(t *testing.T) {
	o := small(t)
	var events []string
	var phases metrics.History
	hooks := finetune.Hooks{
		EpochStart: func(int) error { events = append(events, "epoch"); return nil },
		PhaseEnd: func(p metrics.Phase) error {
			events, phases = append(events, p.Name), append(phases, p)
			if h, err := run.ReadHistory(o.Out); err != nil || len(h) != len(phases) {
				t.Errorf("at the end of a phase the folder has %d phases, want %d: %v", len(h), len(phases), err)
			}
			return nil
		},
		EpochEnd: func(int) error { events = append(events, "end"); return nil },
	}
	r, err := finetune.Train(t.Context(), o, hooks)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"epoch", "train", "val", "end", "epoch", "train", "val", "end"}; !slices.Equal(events, want) {
		t.Errorf("got %v, want %v", events, want)
	}
	history, err := run.ReadHistory(r.Folder)
	if err != nil || !slices.Equal(history, phases) || !slices.Equal(r.History, phases) {
		t.Errorf("error %v; the folder has %v, the result %v, the hooks had %v", err, history, r.History, phases)
	}
	if result, err := run.ReadResult(r.Folder); err != nil || result != r.Result || r.Saved != r.Best || r.KeptOld {
		t.Errorf("error %v; the folder has %+v, got %+v", err, result, r)
	}
	var config finetune.Options
	if err := run.ReadConfig(r.Folder, &config); err != nil || config.Data != o.Data || config.Epochs != 2 {
		t.Errorf("error %v, config.json has %+v", err, config)
	}
	best, err := checkpoint.Read(filepath.Join(r.Folder, run.BestFile))
	if err != nil {
		t.Fatal(err)
	}
	for key, value := range best.Metadata {
		if strings.Contains(value, o.Data) || strings.Contains(value, filepath.Dir(o.Data)) {
			t.Errorf("the metadata name a folder of this machine: %s is %s", key, value)
		}
	}

	var held *run.HeldError
	if r, err = finetune.Train(t.Context(), o, finetune.Hooks{}); !errors.As(err, &held) || r.KeptOld {
		t.Errorf("into the same folder: error %v", err)
	}
}

// An error of a hook ends the training, after the weights have been saved, and Train returns it.
func TestTrainReturnsErrorsOfHooks(t *testing.T) {
	o := small(t)
	full := errors.New("full")
	hooks := finetune.Hooks{PhaseEnd: func(p metrics.Phase) error {
		if p.Name == "val" {
			return full
		}
		return nil
	}}
	r, err := finetune.Train(t.Context(), o, hooks)
	if !errors.Is(err, full) || len(r.History) != 2 {
		t.Errorf("error %v, %d phases", err, len(r.History))
	}
	if _, err := run.Best(o.Out); err != nil || r.Saved.N != 2 {
		t.Errorf("error %v, saved %+v", err, r.Saved)
	}
	if _, err := run.ReadResult(o.Out); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a training that failed has a result: %v", err)
	}
}

// The time is estimated once, from two steps of one epoch.
func TestTrainEstimatesItsTime(t *testing.T) {
	for batch, want := range map[int]int{2: 1, 4: 0} { // the set has 4 images
		o := small(t)
		o.BatchSize = batch
		var log bytes.Buffer
		if _, err := finetune.Train(t.Context(), o, finetune.Hooks{Log: slog.New(slog.NewTextHandler(&log, nil))}); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(log.String(), "the training takes about"); n != want {
			t.Errorf("batches of %d: got %d estimates, want %d:\n%s", batch, n, want, &log)
		}
	}
}

// Train follows the choices of the recipe that it announces and stores.
func TestTrainChooses(t *testing.T) {
	o := small(t)
	o.Recipe, o.Fixed, o.Epochs = "auto", []string{"epochs", "workers"}, 1
	var chosen finetune.Options
	result, err := finetune.Train(t.Context(), o, finetune.Hooks{Chosen: func(o finetune.Options) error { chosen = o; return nil },
		Command: func(o finetune.Options) string { return "train --optimizer " + o.Optimizer }})
	if err != nil {
		t.Fatal(err)
	}
	if chosen.Optimizer != "adamw" || chosen.BatchSize != 8 || chosen.Epochs != 1 || len(result.History) != 2 {
		t.Errorf("chose %s, batches of %d, %d epochs; %d phases", chosen.Optimizer, chosen.BatchSize, chosen.Epochs, len(result.History))
	}
	config, err := os.ReadFile(filepath.Join(result.Folder, run.ConfigFile))
	if want := `"command": "train --optimizer adamw"`; err != nil || !strings.Contains(string(config), want) {
		t.Errorf("config.json does not hold %s: error %v\n%s", want, err, config)
	}
	refused := errors.New("refused")
	o.Out += "2"
	if _, err := finetune.Train(t.Context(), o, finetune.Hooks{Chosen: func(finetune.Options) error { return refused }}); !errors.Is(err, refused) {
		t.Errorf("got %v, want the error of the hook", err)
	}
	o.Fixed, o.HeadEpochs, chosen = []string{"head_epochs"}, 20, finetune.Options{}
	_, err = finetune.Train(t.Context(), o, finetune.Hooks{Chosen: func(o finetune.Options) error { chosen = o; return nil }})
	if wrong := (*finetune.OptionError)(nil); !errors.As(err, &wrong) || wrong.Option != "head_epochs" || chosen.Choices != nil {
		t.Errorf("more head epochs than it chooses epochs: got %v after the choices %v, want an error before them", err, chosen.Choices)
	}
}

// A training without a better epoch ends early, and says so.
func TestPatienceEndsTheTraining(t *testing.T) {
	o := small(t)
	o.Epochs, o.Patience, o.Best, o.LR = 50, 2, metrics.ByLoss, 0.05
	r, err := finetune.Train(t.Context(), o, finetune.Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(r.History) / 2; r.Best.Epoch != n-3 || r.Stopped != "no better epoch in 2" || n == o.Epochs {
		t.Errorf("%d epochs, the best is %+v, stopped %q", n, r.Best, r.Stopped)
	}
	for _, p := range r.History.Of("val") {
		if p.Loss < r.Best.Loss {
			t.Errorf("epoch %d is better than the best, %+v: %+v", p.Epoch, r.Best, p)
		}
	}
	if result, err := run.ReadResult(o.Out); err != nil || result.Stopped != r.Stopped || result.FinalSHA256 == "" || result.FinalSHA256 == result.BestSHA256 {
		t.Errorf("error %v, result.json has %+v", err, result)
	}
	page, err := os.ReadFile(filepath.Join(o.Out, run.ReportFile))
	if err != nil || !strings.Contains(string(page), "The training ended early, after") || !strings.Contains(string(page), r.Stopped) {
		t.Errorf("error %v; the report does not say that the training ended early", err)
	}
	if s, err := run.ReadSummary(o.Out); err != nil || s.Rule != metrics.ByLoss {
		t.Errorf("error %v, rule %q", err, s.Rule)
	}
}

// A training that fails before its first weights keeps the run that it was to replace.
func TestTrainKeepsTheOldRun(t *testing.T) {
	o := small(t)
	old := filepath.Join(o.Out, run.HistoryFile)
	if err := errors.Join(os.Mkdir(o.Out, 0o777), os.WriteFile(old, []byte("old"), 0o666)); err != nil {
		t.Fatal(err)
	}
	o.Overwrite = true
	stop := errors.New("stop")
	r, err := finetune.Train(t.Context(), o, finetune.Hooks{EpochStart: func(int) error { return stop }})
	if data, readErr := os.ReadFile(old); !errors.Is(err, stop) || !r.KeptOld || string(data) != "old" {
		t.Errorf("error %v, kept %v, the history holds %q, %v", err, r.KeptOld, data, readErr)
	}
	if entries, err := os.ReadDir(o.Out); err != nil || len(entries) != 1 {
		t.Errorf("left %v, %v", entries, err)
	}
}

// Errors about the options, the weights and the data have types.
func TestTrainErrors(t *testing.T) {
	option := func(err error) string {
		var e *finetune.OptionError
		if errors.As(err, &e) {
			return e.Option
		}
		return ""
	}
	for want, change := range map[string]func(o *finetune.Options){
		"epochs":        func(o *finetune.Options) { o.Epochs = 0 },
		"weights":       func(o *finetune.Options) { o.Weights = "nothing.pth" },
		"class_weights": func(o *finetune.Options) { o.ClassWeights = []float64{1} },
		"beneath":       func(o *finetune.Options) { o.Beneath = "nothing.csv" },
		"warmup":        func(o *finetune.Options) { o.Scheduler, o.WarmUp = "cosine", 4 }, // all steps of the training
		"batch_size":    func(o *finetune.Options) { o.BatchSize, o.ImageSize = 3, 32 },
	} {
		o := small(t)
		change(&o)
		if _, err := finetune.Train(t.Context(), o, finetune.Hooks{}); option(err) != want {
			t.Errorf("%s: got %v", want, err)
		}
		if _, err := os.Stat(o.Out); err == nil {
			t.Errorf("%s: a folder was made", want)
		}
	}
	o := small(t)
	if err := os.RemoveAll(filepath.Join(o.Data, "val")); err != nil {
		t.Fatal(err)
	}
	var noVal *finetune.NoValError
	if _, err := finetune.Train(t.Context(), o, finetune.Hooks{}); !errors.As(err, &noVal) {
		t.Errorf("no val folder: got %v (%v)", err, reflect.TypeOf(err))
	}
}

// If a picture is removed during a training, the training ends with an error that names the file and keeps the best weights.
func TestTrainWithoutAFile(t *testing.T) {
	o := small(t)
	o.Cache = "off"
	file := filepath.Join(o.Data, "train", "ants", "000.jpg")
	r, err := finetune.Train(t.Context(), o, finetune.Hooks{EpochEnd: func(int) error { return os.Remove(file) }})
	var sample *dataset.SampleError
	if !errors.As(err, &sample) || sample.Path != file || len(r.History) != 2 {
		t.Errorf("error %v, %d phases, want an error about %s in the second epoch", err, len(r.History), file)
	}
	if _, err := run.Best(o.Out); err != nil || r.Saved.N != 2 {
		t.Errorf("error %v, saved %+v", err, r.Saved)
	}
}
