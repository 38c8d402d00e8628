package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"hymenoptera/internal/mt19937"
	"hymenoptera/transforms"
)

// open returns a loader for the training fixtures.
func open(t testing.TB, size int, cfg LoaderConfig) *Loader {
	t.Helper()
	f, err := NewImageFolder(filepath.Join(dealt(t), "train"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := NewLoader(f, transforms.Train(size), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// drain reads an epoch to its end.
func drain(t testing.TB, e *Epoch) (batches, samples int) {
	t.Helper()
	for {
		b, err := e.Next(context.Background())
		if errors.Is(err, io.EOF) {
			return batches, samples
		}
		if err != nil {
			t.Fatal(err)
		}
		batches++
		samples += b.N
		b.Release()
	}
}

func TestLoaderConfig(t *testing.T) {
	f := &ImageFolder{Root: "here", Classes: []string{"a"}, Samples: []Sample{{Path: "a/1.jpg"}}}
	for _, tt := range []struct {
		f    *ImageFolder
		tf   transforms.Transform
		cfg  LoaderConfig
		want string // part of the error, or none
	}{
		{f, transforms.Train(224), DefaultLoaderConfig(), ""},
		{f, transforms.Train(224), LoaderConfig{BatchSize: 0}, "batch size 0"},
		{f, transforms.Train(224), LoaderConfig{BatchSize: 1, Workers: -1}, "-1 workers"},
		{f, transforms.Train(224), LoaderConfig{BatchSize: 1, Workers: 1 << 20}, "workers"},
		{f, transforms.Train(0), DefaultLoaderConfig(), "image size 0"},
		{f, transforms.Train(224), LoaderConfig{BatchSize: 1 << 30}, "too large"},
		{&ImageFolder{Root: "here"}, transforms.Train(224), DefaultLoaderConfig(), "no samples"},
	} {
		_, err := NewLoader(tt.f, tt.tf, tt.cfg)
		if got := fmt.Sprint(err); (err != nil) != (tt.want != "") || !strings.Contains(got, tt.want) {
			t.Errorf("%+v: got %v, want %q", tt.cfg, err, tt.want)
		}
	}
}

func TestSlots(t *testing.T) {
	for _, workers := range []int{0, 1, 3} {
		l := open(t, 8, LoaderConfig{BatchSize: 4, Workers: workers, Shuffle: true})
		if got, want := l.layout.Slots, 2*workers+1; got != want {
			t.Errorf("%d workers: got %d slots, want %d", workers, got, want)
		}
		slots := make([]Buffer, l.layout.Slots)
		for i := range slots {
			slots[i] = newBuffer(l.layout)
		}
		if err := l.SetSlots(slots[1:]); err == nil {
			t.Error("too few slots: no error")
		}
		if err := l.SetSlots(append(slices.Clone(slots[1:]), Buffer{Floats: slots[0].Floats[1:]})); err == nil {
			t.Error("a slot that is too short: no error")
		}
		if err := l.SetSlots(slots); err != nil {
			t.Fatal(err)
		}
		e := l.Epoch(context.Background(), mt19937.New(1))
		if err := l.SetSlots(slots); err == nil {
			t.Error("in an epoch: no error")
		}
		// As many batches as there are slots may be held; one more is an error, not a deadlock.
		var alive []*Batch
		for i := range l.layout.Slots {
			b, err := e.Next(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if b.Slot != i || &b.Images[0] != &slots[i].Floats[0] || len(b.Images) != b.N*3*8*8 || len(b.Labels) != b.N || len(b.Indices) != b.N {
				t.Errorf("batch %d: slot %d, %d images, %d floats", i, b.Slot, b.N, len(b.Images))
			}
			alive = append(alive, b)
		}
		if _, err := e.Next(context.Background()); err == nil || !strings.Contains(err.Error(), "release") {
			t.Errorf("with all slots in use: got %v", err)
		}
		for _, b := range alive {
			b.Release()
		}
		e.Close()
	}
}

func TestOneEpochAtATime(t *testing.T) {
	l := open(t, 8, LoaderConfig{BatchSize: 4, Workers: 1})
	rng := mt19937.New(1)
	first := l.Epoch(context.Background(), rng)
	second := l.Epoch(context.Background(), rng)
	if _, err := second.Next(context.Background()); err == nil {
		t.Error("a second epoch: no error")
	}
	second.Close()
	drain(t, first)
	first.Close()
	first.Close()
	if _, err := first.Next(context.Background()); !errors.Is(err, io.EOF) {
		t.Errorf("after the end: got %v", err)
	}
	third := l.Epoch(context.Background(), rng)
	if n, samples := drain(t, third); n != l.Batches() || samples != l.Len() {
		t.Errorf("got %d batches of %d samples, want %d of %d", n, samples, l.Batches(), l.Len())
	}
	third.Close()
	closed := l.Epoch(context.Background(), rng)
	closed.Close()
	if _, err := closed.Next(context.Background()); err == nil {
		t.Error("Next after Close: no error")
	}
}

// TestTiming checks that batches depend neither on the number of processors nor on how fast they are taken.
func TestTiming(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	cfg := LoaderConfig{BatchSize: 3, Workers: 3, Shuffle: true}
	l := open(t, 8, cfg)
	sum := func(procs int, pause time.Duration) (sums []float64) {
		runtime.GOMAXPROCS(procs)
		e := l.Epoch(context.Background(), mt19937.New(5))
		defer e.Close()
		for {
			b, err := e.Next(context.Background())
			if errors.Is(err, io.EOF) {
				return sums
			}
			if err != nil {
				t.Fatal(err)
			}
			s := 0.0
			for i, v := range b.Images {
				s += float64(v) * float64(i%97)
			}
			sums = append(sums, s)
			time.Sleep(pause)
			b.Release()
		}
	}
	want := sum(1, 0)
	for _, procs := range []int{1, 2, 8} {
		for _, pause := range []time.Duration{0, time.Millisecond} {
			if got := sum(procs, pause); !slices.Equal(got, want) {
				t.Errorf("%d processors, pauses of %v: batches differ", procs, pause)
			}
		}
	}
}

func TestErrorsNameTheSample(t *testing.T) {
	root := t.TempDir()
	for i, name := range []string{"a/1.jpg", "a/2.jpg", "b/3.jpg", "b/4.jpg"} {
		data := readImage(t, "444.jpg")
		if i == 2 {
			data = data[:len(data)/2]
		}
		os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o777)
		if err := os.WriteFile(filepath.Join(root, name), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, workers := range []int{0, 1, 2} {
		f, err := NewImageFolder(root)
		if err != nil {
			t.Fatal(err)
		}
		l, err := NewLoader(f, transforms.Eval(8), LoaderConfig{BatchSize: 1, Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		e := l.Epoch(context.Background(), mt19937.New(1))
		for range 2 {
			b, err := e.Next(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			b.Release()
		}
		_, err = e.Next(context.Background())
		for _, part := range []string{l.Path(2), "class b", "sample 2", "truncated"} {
			if !strings.Contains(fmt.Sprint(err), part) {
				t.Errorf("%d workers: got %v, want it to tell %q", workers, err, part)
			}
		}
		if _, again := e.Next(context.Background()); again != err {
			t.Errorf("%d workers: then got %v, want the same error", workers, again)
		}
		e.Close()
		os.Rename(l.Path(0), l.Path(0)+".gone")
		e = l.Epoch(context.Background(), mt19937.New(1))
		if _, err := e.Next(context.Background()); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%d workers, a file that is gone: got %v", workers, err)
		}
		e.Close()
		os.Rename(l.Path(0)+".gone", l.Path(0))
	}
}
