package finetune

import (
	"encoding/json"
	"errors"
	"log/slog"
	"path/filepath"
	"reflect"
	"testing"

	"hymenoptera/classify"
	"hymenoptera/internal/machine"
	"hymenoptera/report"
	"hymenoptera/transforms"
)

func TestValidate(t *testing.T) {
	flag := func(option string) string { return "--" + option }
	for _, tt := range []struct {
		change func(o *Options)
		want   string // as with flags; "" for no error
	}{
		{func(o *Options) {}, ""},
		{func(o *Options) { o.BatchSize = 0 }, "--batch_size 0: want 1 to 65536"},
		{func(o *Options) { o.Balance = "even" }, `--balance "even": want one of none, weights, sampling`},
		{func(o *Options) { o.Views, o.Probe, o.Freeze = 2, true, true }, ""},
		{func(o *Options) { o.Views = 2 }, "--views 2: has no effect without --probe"},
		{func(o *Options) { o.Balance, o.ClassWeights = "weights", []float64{1} }, "--balance weights: weighs the classes, as does --class_weights"},
		{func(o *Options) { o.OnlyClasses = []string{"a", "a"} }, "--only_classes a,a: a class is named twice"},
		{func(o *Options) { o.Weights = "imagenet1k_v1" }, "--weights imagenet1k_v1: the name of the published weights is IMAGENET1K_V1"},
		{func(o *Options) { o.Weights = "./imagenet1k_v1" }, ""},
		{func(o *Options) { o.LayerDecay = 0 }, "--layer_decay 0: want a number above 0, at most 1"},
		{func(o *Options) { o.LayerDecay, o.Freeze = 0.5, true }, "--layer_decay 0.5: has no effect on the head, which is all that is trained with --freeze"},
		{func(o *Options) { o.WarmUp = 3 }, "--warmup 3: goes with cosine: see --scheduler"},
		{func(o *Options) { o.WarmUp, o.Scheduler = 3, "cosine" }, ""},
		{func(o *Options) { o.EMA = 1 }, "--ema 1: want 0 or more and less than 1"},
		{func(o *Options) { o.ClipGradNorm = -1 }, "--clip_grad_norm -1: want 0 to 1000000"},
		{func(o *Options) { o.HeadEpochs = 25 }, "--head_epochs 25: want 0 or more, and fewer than --epochs"},
		{func(o *Options) { o.HeadEpochs, o.Freeze = 1, true }, "--head_epochs 1: has no effect with --freeze"},
		{func(o *Options) { o.Best = "f1" }, `--best "f1": want one of accuracy, loss, macro-f1`},
		{func(o *Options) { o.Patience = -1 }, "--patience -1: want 0 to 1000000"},
		{func(o *Options) { o.Cache = "lots" }, `--cache "lots": want auto, off, or a size as 500M or 2G`},
		{func(o *Options) { o.Data, o.Out = "x", "./x/" }, "--out ./x/: it is the folder of the images: choose another folder"},
	} {
		o := DefaultOptions()
		tt.change(&o)
		err := o.Validate()
		var option *OptionError
		if got := errors.As(err, &option); got != (tt.want != "") || got && option.Text(flag) != tt.want {
			t.Errorf("got %v, want %q", err, tt.want)
		}
	}
}

// Options read back from config.json and from a checkpoint are the same as before.
func TestOptionsReadBack(t *testing.T) {
	o := DefaultOptions()
	o.ClassWeights, o.LabelSmoothing, o.OnlyClasses, o.Seed = []float64{1. / 3, 2}, 0.1, []string{"ants", "bees"}, 1<<63
	data, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	got := Options{Cache: o.Cache} // it is not written
	if err := json.Unmarshal(data, &got); err != nil || !reflect.DeepEqual(got, o) {
		t.Errorf("error %v, got %+v, want %+v", err, got, o)
	}
	o.Data, o.Weights = "/home/me/pictures", "/home/me/weights.pth#model"
	card, err := newCard(o, o.OnlyClasses, transforms.Eval(224))
	if err != nil {
		t.Fatal(err)
	}
	o.Data, o.Weights, o.Cache = "", "weights.pth#model", ""
	if got, err := ReadOptions(card); err != nil || !reflect.DeepEqual(got, o) {
		t.Errorf("error %v, got %+v, want %+v, without folders of this machine", err, got, o)
	}
	if _, err := ReadOptions(classify.Card{Config: []byte("{")}); err == nil {
		t.Error("no error for damaged metadata")
	}
}

// Images that are read only once are not cached, whatever the value of Cache.
func TestCache(t *testing.T) {
	for _, tt := range []struct {
		o    Options
		want bool
	}{
		{Options{Epochs: 2}, true},
		{Options{Epochs: 1}, false},
		{Options{Epochs: 9, Probe: true}, false},
		{Options{Epochs: 9, Probe: true, Views: 1}, false},
		{Options{Epochs: 9, Probe: true, Views: 2}, true},
	} {
		tt.o.Cache = "1M"
		if c, err := tt.o.newCache(slog.New(slog.DiscardHandler)); err != nil || (c != nil) != tt.want {
			t.Errorf("%+v: a cache %v, %v, want %v", tt.o, c != nil, err, tt.want)
		}
	}
	if got, err := (Options{Cache: "off"}).cacheBytes(); got != 0 || err != nil {
		t.Errorf("off: got %d, %v", got, err)
	}
	if got, err := (Options{Cache: "auto"}).cacheBytes(); err != nil || got < 0 || got > machine.This().FreeMemory()/4 {
		t.Errorf("auto: got %d and %v, with %d free", got, err, machine.This().FreeMemory())
	}
}

// The report lists the options that were set, each once.
func TestFields(t *testing.T) {
	o := DefaultOptions()
	o.ClassWeights = []float64{1, 2.5}
	seen := map[string]string{}
	for _, f := range o.fields() {
		if seen[f.Name] != "" {
			t.Errorf("%s is there twice", f.Name)
		}
		seen[f.Name] = f.Value
	}
	if seen["class_weights"] != "1 2.5" || seen["lr"] != "0.001" || seen["data"] != filepath.FromSlash(DefaultData) || seen["out"] != "" {
		t.Errorf("got %v", seen)
	}
}

func TestDifferences(t *testing.T) {
	o := DefaultOptions()
	o.Data, o.Out, o.Threads = "elsewhere", "out", 7
	if got := o.differences(); len(got) != 0 {
		t.Errorf("the defaults differ from the notebook in %v", got)
	}
	o.Epochs, o.EMA = 3, 0.5
	want := []report.Field{{Name: "epochs", Value: "3 (the notebook: 25)"}, {Name: "ema", Value: "0.5 (the notebook: 0)"}}
	if got := o.differences(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
