package dataset

import (
	"context"
	"iter"
	"runtime"
	"sync/atomic"

	"hymenoptera/internal/background"
	"hymenoptera/transforms"
)

// A Picture is the whole decoded picture of a sample if crops are random, otherwise the finished crop.
type Picture struct {
	Index int // of the sample
	Image *transforms.Image
}

// Pictures decodes every sample once, on all processors, and yields them in any order. The first error ends the iteration;
// if it is about a sample, it names the file.
func (l *Loader) Pictures(ctx context.Context) iter.Seq2[Picture, error] {
	return func(yield func(Picture, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		found := make(chan Picture)
		var failed error
		go func() {
			defer close(found)
			failed = background.InParallel(ctx, runtime.GOMAXPROCS(0), l.Samples(), func(ctx context.Context) func(int) error {
				m := l.newMaker()
				return func(i int) error {
					p, err := m.whole(ctx, i)
					if err != nil {
						return l.folder.sampleError(i, err)
					}
					select {
					case found <- Picture{i, p}:
						return nil
					case <-ctx.Done():
						return ctx.Err()
					}
				}
			})
		}()
		for p := range found {
			if !yield(p, nil) {
				cancel()
				for range found { // until the workers have ended
				}
				return
			}
		}
		if failed != nil {
			yield(Picture{}, failed)
		}
	}
}

// whole decodes a sample into memory of its own.
func (m *maker) whole(ctx context.Context, index int) (p *transforms.Image, err error) {
	defer m.close()
	if err = m.read(ctx, index); err != nil {
		return nil, err
	}
	if !m.tf.Random {
		m.sample8 = transforms.Image{}
		_, err := m.crop(context.Background(), nil, m.file)
		m.warn(index)
		p := m.sample8
		return &p, err
	}
	p = new(transforms.Image)
	err = Decode(p, m.file)
	m.unusual = warnings(m.file, p.Width, p.Height)
	if m.tf.Upright {
		TurnUpright(p, m.file)
	}
	m.warn(index)
	return p, err
}

// CountPixels returns how many pixels [Loader.Pictures] would yield, by the headers of the samples' files. It stops
// soon after the count exceeds most.
func (l *Loader) CountPixels(ctx context.Context, most int64) (int64, error) {
	if !l.tf.Random {
		return int64(l.Samples()) * int64(l.tf.Size) * int64(l.tf.Size), nil
	}
	var all atomic.Int64
	err := background.InParallel(ctx, runtime.GOMAXPROCS(0), l.Samples(), func(ctx context.Context) func(int) error {
		return func(i int) error {
			if all.Load() > most {
				return nil
			}
			w, h, err := l.folder.Samples[i].Dimensions(ctx)
			if err != nil {
				return l.folder.sampleError(i, err)
			}
			all.Add(int64(w) * int64(h))
			return nil
		}
	})
	return all.Load(), err
}
