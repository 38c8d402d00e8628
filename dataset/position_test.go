package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"hymenoptera/internal/mt19937"
	"hymenoptera/transforms"
)

// A pass that is resumed from a position gives the batches that the first one would have given next.
func TestResume(t *testing.T) {
	train, _, err := Open(dealt(t))
	if err != nil {
		t.Fatal(err)
	}
	augmented, err := transforms.Train(8).Augmented("trivial")
	if err != nil {
		t.Fatal(err)
	}
	uneven := make([]float64, len(train.Samples))
	for i := range uneven {
		uneven[i] = float64(1 + i%3)
	}
	for _, tf := range []transforms.Transform{transforms.Train(8), augmented, transforms.Eval(8)} {
		for _, workers := range []int{0, 1, 3} {
			for _, cfg := range []LoaderConfig{{Shuffle: true}, {Weights: uneven}, {Shuffle: true, Pixels: true}} {
				cfg.BatchSize, cfg.Workers = 3, workers
				l, err := NewLoader(train, tf, cfg)
				if err != nil {
					t.Fatal(err)
				}
				main := mt19937.New(7)
				first := l.Epoch(t.Context(), main)
				var now []mt19937.Generator // the state of main before each batch
				var positions []Position
				for end := false; !end; {
					now, positions = append(now, *main), append(positions, first.Position())
					b, err := first.Next(t.Context())
					if end = errors.Is(err, io.EOF); end {
						break
					}
					if err != nil {
						t.Fatal(err)
					}
					b.Release()
				}
				first.Close()
				want := samples(t, l, mt19937.New(7), nil, Position{})
				for i, at := range positions {
					if err := l.Check(at); err != nil {
						t.Fatal(err)
					}
					if got := samples(t, l, mt19937.New(7), &now[i], at); !slices.Equal(got, want[i:]) {
						t.Errorf("%d workers, %+v, from batch %d on: other batches", workers, cfg, i)
					}
				}
			}
		}
	}
}

// samples returns the contents of the batches from a position on. If now is not nil, main is set to it after the draws at the
// beginning.
func samples(t *testing.T, l *Loader, main, now *mt19937.Generator, at Position) (held []string) {
	t.Helper()
	e := l.Resume(t.Context(), main, at)
	defer e.Close()
	if now != nil {
		*main = *now
	}
	for {
		b, err := e.Next(context.Background())
		if errors.Is(err, io.EOF) {
			return held
		}
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, fmt.Sprint(b.Indices, b.Labels, b.Images, b.Pixels, b.Erase))
		b.Release()
	}
}

func TestPositionsAreChecked(t *testing.T) {
	l := open(t, 8, LoaderConfig{BatchSize: 4, Workers: 2})
	for _, at := range []Position{{Batches: -1}, {Batches: l.Batches() + 1}, {Batches: 1}, {Drawn: []uint64{1}}, {Drawn: []uint64{1, 1 << 60}}} {
		if err := l.Check(at); err == nil {
			t.Errorf("%+v: no error", at)
		}
	}
	for _, at := range []Position{{}, {Batches: l.Batches(), Drawn: []uint64{100, 0}}} {
		if err := l.Check(at); err != nil {
			t.Errorf("%+v: %v", at, err)
		}
	}
}
