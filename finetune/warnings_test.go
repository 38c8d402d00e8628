package finetune

import (
	"fmt"
	"strings"
	"testing"

	"hymenoptera/dataset"
	"hymenoptera/metrics"
)

// listed returns a set with the given numbers of images per class: a, b, c, ….
func listed(train, val []int) (set images) {
	folder := func(counts []int) *dataset.ImageFolder {
		f := new(dataset.ImageFolder)
		for label, n := range counts {
			f.Classes = append(f.Classes, string(rune('a'+label)))
			for i := range n {
				f.Samples = append(f.Samples, dataset.Sample{Path: fmt.Sprint(label, i), Label: label})
			}
		}
		return f
	}
	return images{train: folder(train), val: folder(val)}
}

// said joins warnings as the command prints them.
func said(warnings []Warning) string {
	var lines []string
	for _, w := range warnings {
		lines = append(lines, strings.TrimSpace(w.Problem+" | "+w.Option+" "+w.Value))
	}
	return strings.Join(lines, "\n")
}

func TestStartWarnings(t *testing.T) {
	for _, tt := range []struct {
		name       string
		train, val []int
		change     func(o *Options)
		want       string
	}{
		{"the notebook's", []int{123, 121}, []int{70, 83}, func(o *Options) { o.BatchSize = 16 }, ""},
		{"unequal classes", []int{62, 400}, []int{200, 200}, nil, "class b has 400 images and a only 62 | balance sampling"},
		{"unequal classes, balanced", []int{62, 400}, []int{200, 200}, func(o *Options) { o.Balance = "weights" }, ""},
		{"three times is no warning", []int{100, 300}, []int{200, 200}, nil, ""},
		{"few steps", []int{120, 124}, []int{200, 200}, nil, "an epoch has only 8 steps | batch_size 24"},
		{"one step", []int{16, 16}, []int{200, 200}, nil, "an epoch has only 1 step | batch_size 8"},
		{"few steps in small batches", []int{20, 20}, []int{200, 200}, func(o *Options) { o.BatchSize = 8 }, ""},
		{"few to validate with", []int{500, 500}, []int{20, 20}, nil, "40 validation images are few: an accuracy of 0.9 could as well be 0.77 or 0.96 |"},
	} {
		o := DefaultOptions()
		if tt.change != nil {
			tt.change(&o)
		}
		if got := said(startWarnings(listed(tt.train, tt.val), o)); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// answers returns predictions: for each class, the class that each of its images is taken for.
func answers(by ...[]int) (ps []metrics.Prediction) {
	for label, taken := range by {
		for _, class := range taken {
			probs := make([]float64, len(by))
			probs[class] = 1
			ps = append(ps, metrics.Prediction{Label: label, Probs: probs})
		}
	}
	return ps
}

// curve returns a history of validation phases, each with right correct answers for n images.
func curve(right, n int, losses ...float64) (h metrics.History) {
	for epoch, loss := range losses {
		h = append(h, metrics.Phase{Epoch: epoch, Name: "val", Loss: loss, Corrects: right, N: n, Acc: float64(right) / float64(n), LR: 0.1})
	}
	return h
}

func TestEndWarnings(t *testing.T) {
	falling := curve(3, 4, 1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3)
	rising := curve(3, 4, 1, 0.5, 0.6, 0.7, 0.8, 0.8, 0.8, 0.9)
	flat := curve(3, 4, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5)
	idle := curve(3, 4, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5)
	for i := range idle[3:] {
		idle[3+i].LR = 1e-5
	}
	good := answers([]int{0, 0}, []int{1, 0})
	for _, tt := range []struct {
		name        string
		h           metrics.History
		predictions []metrics.Prediction
		train       []int
		want        string
	}{
		{"nothing", flat, good, []int{100, 100}, ""},
		{"still falling", falling, good, []int{100, 100}, "the validation loss was still falling at the end | epochs 16"},
		{"rising for long", rising, good, []int{100, 100}, "the validation loss has risen since epoch 1, from 0.500 to 0.900 | epochs 3"},
		{"no rate left", idle, good, []int{100, 100}, "in 5 of 8 epochs the learning rate was less than a thousandth of the first | step_size"},
		{"a class never predicted, of unequal ones", flat, answers([]int{0, 0, 0}, []int{0}), []int{300, 100},
			"no validation image was taken for b | balance sampling\nthe best accuracy, 0.750, is no more than that of always answering a | recipe auto"},
		{"a class never predicted, of equal ones", flat, answers([]int{0, 0}, []int{2}, []int{2}), []int{100, 100, 100}, "no validation image was taken for b |"},
	} {
		set := listed(tt.train, make([]int, len(tt.train)))
		if got := said(endWarnings(tt.h, tt.predictions, set, DefaultOptions())); got != tt.want {
			t.Errorf("%s: got\n%s\nwant\n%s", tt.name, got, tt.want)
		}
	}
	exponential := DefaultOptions()
	exponential.Scheduler = "exponential"
	want := "in 5 of 8 epochs the learning rate was less than a thousandth of the first | gamma"
	if got := said(endWarnings(idle, good, listed([]int{100, 100}, []int{0, 0}), exponential)); got != want {
		t.Errorf("exponential: got %q, want %q", got, want)
	}
}

func TestDescribe(t *testing.T) {
	o := DefaultOptions()
	o.Data = "bees"
	describe := func(train, val []int) []string { return listed(train, val).describe(o) }
	if got, want := strings.Join(describe([]int{22, 17}, []int{3, 2}), "\n"),
		"bees: 39 images to train with in 2 steps per epoch, 5 to validate with\n    22 + 3     a\n    17 + 2     b"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	many := make([]int, 25)
	for i := range many {
		many[i] = i + 1
	}
	lines := describe(many, many)
	if got, want := lines[1]+"\n"+lines[len(lines)-1], "    25 + 25    y\nand 5 more, of 1 to 5 images; the smallest is a"; len(lines) != 22 || got != want {
		t.Errorf("%d lines: got\n%s\nwant\n%s", len(lines), got, want)
	}
}
