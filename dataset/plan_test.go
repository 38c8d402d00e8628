package dataset

import (
	"context"
	"errors"
	"image"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hymenoptera/internal/mt19937"
	"hymenoptera/transforms"
)

// collect returns the results of f for an epoch's batches.
func collect[T any](t *testing.T, l *Loader, seed uint64, f func(*Batch) []T) (all []T) {
	t.Helper()
	e := l.Epoch(context.Background(), mt19937.New(seed))
	defer e.Close()
	for {
		b, err := e.Next(context.Background())
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, f(b)...)
		b.Release()
	}
}

// A loader of bytes gives the same values as a loader of floats, once its bytes are normalised.
func TestPixelsAreWhatIsNormalised(t *testing.T) {
	for _, workers := range []int{0, 2} {
		cfg := LoaderConfig{BatchSize: 4, Workers: workers, Shuffle: true, ChannelsLast: true}
		want := collect(t, open(t, 9, cfg), 3, func(b *Batch) []float32 { return b.Images })
		cfg.Pixels = true
		l := open(t, 9, cfg)
		got := collect(t, l, 3, func(b *Batch) []byte {
			if b.Images != nil || len(b.Pixels) != b.N*3*9*9 {
				t.Errorf("%d floats and %d bytes for %d images", len(b.Images), len(b.Pixels), b.N)
			}
			return b.Pixels
		})
		if len(got) != len(want) {
			t.Fatalf("%d numbers, want %d", len(got), len(want))
		}
		tf := l.Transform()
		for i, v := range got {
			x := float32(v) / 255
			x = float32(x - tf.Mean[i%3])
			if x /= tf.Std[i%3]; x != want[i] {
				t.Fatalf("number %d: %d is normalised to %v, want %v", i, v, x, want[i])
			}
		}
	}
}

// PlanEpoch's plans, applied to the pictures of Pictures, give Epoch's samples; both leave the generator in the same
// state.
func TestPlansAreWhatEpochsDo(t *testing.T) {
	for _, workers := range []int{0, 1, 3} {
		l := open(t, 9, LoaderConfig{BatchSize: 4, Workers: workers, Shuffle: true})
		pictures, sizes := make([]*transforms.Image, l.Len()), make([]image.Point, l.Len())
		var pixels int64
		for p, err := range l.Pictures(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			pictures[p.Index], sizes[p.Index] = p.Image, image.Pt(p.Image.Width, p.Image.Height)
			pixels += int64(p.Image.Width * p.Image.Height)
		}
		if n, err := l.CountPixels(t.Context(), 1<<40); err != nil || n != pixels {
			t.Errorf("CountPixels says %d, %v; the pictures have %d", n, err, pixels)
		}
		if n, err := l.CountPixels(t.Context(), 0); err != nil || n == 0 || n >= pixels {
			t.Errorf("CountPixels with nothing allowed says %d, %v: want it to stop before all %d", n, err, pixels)
		}
		one, other := mt19937.New(7), mt19937.New(7)
		for range 2 {
			e := l.Epoch(t.Context(), one)
			var resizer transforms.Resizer
			var crop transforms.Image
			for k, planned := range l.PlanEpoch(other, sizes) {
				b, err := e.Next(context.Background())
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(planned.Indices, b.Indices) || !slices.Equal(planned.Labels, b.Labels) {
					t.Fatalf("%d workers, batch %d: planned %v %v, got %v %v", workers, k, planned.Indices, planned.Labels, b.Indices, b.Labels)
				}
				for i, index := range planned.Indices {
					resizer.Resize(&crop, pictures[index], image.Point{}, planned.Plans[i])
					sample := make([]float32, l.layout.SampleLen())
					l.makers[0].norm.Apply(sample, &crop, planned.Plans[i].Flip)
					if !slices.Equal(sample, b.Images[i*l.layout.SampleLen():(i+1)*l.layout.SampleLen()]) {
						t.Fatalf("%d workers, batch %d, sample %d: another picture", workers, k, i)
					}
				}
				b.Release()
			}
			e.Close()
			if a, b := one.Uint32(), other.Uint32(); a != b {
				t.Fatalf("%d workers: the generators differ afterwards", workers)
			}
		}
	}
}

// For a validation set, Pictures yields the finished crops; for a damaged picture, an error that names the file.
func TestPicturesOfValidation(t *testing.T) {
	f, err := NewImageFolder(filepath.Join(dealt(t), "train"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := NewLoader(f, transforms.Eval(9), LoaderConfig{BatchSize: 4, Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	want := collect(t, l, 1, func(b *Batch) []float32 { return b.Images })
	seen := 0
	for p, err := range l.Pictures(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		sample := make([]float32, l.layout.SampleLen())
		l.makers[0].norm.Apply(sample, p.Image, false)
		if !slices.Equal(sample, want[p.Index*l.layout.SampleLen():(p.Index+1)*l.layout.SampleLen()]) {
			t.Errorf("sample %d: another picture", p.Index)
		}
		seen++
	}
	if seen != l.Len() {
		t.Errorf("%d pictures of %d", seen, l.Len())
	}
	for range l.Pictures(t.Context()) {
		break
	}
	f.Samples = append(slices.Clone(f.Samples), Sample{Path: "testdata/nowhere.jpg"})
	if l, err = NewLoader(f, transforms.Train(9), LoaderConfig{BatchSize: 4, Workers: 2}); err != nil {
		t.Fatal(err)
	}
	err = nil
	for _, e := range l.Pictures(t.Context()) {
		err = e
	}
	if err == nil || !strings.Contains(err.Error(), "nowhere.jpg") {
		t.Errorf("a missing file: got %v", err)
	}
	if _, err := l.CountPixels(t.Context(), 1<<40); err == nil || !strings.Contains(err.Error(), "nowhere.jpg") {
		t.Errorf("a missing file: CountPixels got %v", err)
	}
}
