package dataset

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync/atomic"

	"hymenoptera/transforms"
)

// Source is a stream of uniform 32-bit words, such as PyTorch's main generator.
type Source interface{ Uint32() uint32 }

// MaxWorkers is the largest number of workers of a loader.
const MaxWorkers = 1024

// LoaderConfig says how to make batches.
type LoaderConfig struct {
	BatchSize int  // samples per batch, at least 1; the last batch of an epoch may be smaller
	Shuffle   bool // a new random order each epoch
	// Weights, if not nil, has one weight per sample. Each epoch then draws as many samples as there are, with
	// replacement, by these weights, as PyTorch's WeightedRandomSampler does. Weights must be positive, and Shuffle
	// must not be set.
	Weights []float64
	// Share, if its World is above 1, is the part of each pass that the loader takes. Its Seed also orders a shuffled set
	// in shards.
	Share        Share
	Workers      int    // goroutines that make batches; with 0 they are made in Next
	Cache        *Cache // where decoded pictures are kept, or nil
	ChannelsLast bool   // samples are H×W×3 rather than 3×H×W
	Pixels       bool   // samples are H×W×3 bytes, mirrored but not normalised, which the caller must do
	// Warn, if not nil, is called for every unusual picture, from the workers.
	Warn func(Warning)
}

// DefaultLoaderConfig returns the notebook's: batches of 32, shuffled, 4 workers.
func DefaultLoaderConfig() LoaderConfig {
	return LoaderConfig{BatchSize: 32, Shuffle: true, Workers: 4}
}

func (c LoaderConfig) validate() error {
	if c.BatchSize < 1 {
		return fmt.Errorf("dataset: batch size %d: want at least 1", c.BatchSize)
	}
	if c.Workers < 0 || c.Workers > MaxWorkers {
		return fmt.Errorf("dataset: %d workers: want 0 to %d", c.Workers, MaxWorkers)
	}
	return c.Share.validate(c)
}

// A Loader makes the batches of a set, epoch by epoch. Only one epoch may run at a time.
type Loader struct {
	folder   *ImageFolder
	tf       transforms.Transform
	cfg      LoaderConfig
	layout   BatchLayout
	slots    []Buffer
	makers   []*maker       // one per worker, kept from epoch to epoch for their memory
	order    []int          // of the samples in the current epoch
	epoch    int            // see SetEpoch
	kept     kept           // nil without a cache
	versions []atomic.Int64 // of the samples' files when they were last read; 0 before
	busy     atomic.Bool
}

// NewLoader returns a loader for the samples of a folder. It reads no file yet.
func NewLoader(samples *ImageFolder, tf transforms.Transform, cfg LoaderConfig) (*Loader, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if err := tf.Validate(); err != nil {
		return nil, err
	}
	if len(samples.Samples) == 0 {
		return nil, fmt.Errorf("dataset: %s has no samples", samples.Root)
	}
	if err := checkWeights(cfg, len(samples.Samples)); err != nil {
		return nil, err
	}
	if int64(cfg.BatchSize) > math.MaxInt32/(3*int64(tf.Size)*int64(tf.Size)) {
		return nil, fmt.Errorf("dataset: a batch of %d×3×%d×%d floats is too large: want a smaller batch, or smaller pictures", cfg.BatchSize, tf.Size, tf.Size)
	}
	l := &Loader{folder: samples, tf: tf, cfg: cfg, order: make([]int, cfg.Share.len(len(samples.Samples), cfg.Shuffle)), versions: make([]atomic.Int64, len(samples.Samples)), layout: BatchLayout{
		Slots: 2*cfg.Workers + 1, N: cfg.BatchSize, H: tf.Size, W: tf.Size, ChannelsLast: cfg.ChannelsLast, Pixels: cfg.Pixels}}
	if cfg.Cache != nil {
		l.kept = make(kept, l.Samples())
	}
	for range max(1, cfg.Workers) {
		l.makers = append(l.makers, l.newMaker())
	}
	return l, nil
}

// checkWeights returns an error for invalid weights of n samples.
func checkWeights(cfg LoaderConfig, n int) error {
	switch {
	case cfg.Weights == nil:
		return nil
	case cfg.Shuffle:
		return errors.New("dataset: weights and shuffling: want one of them")
	case len(cfg.Weights) != n:
		return fmt.Errorf("dataset: %d weights for %d samples", len(cfg.Weights), n)
	}
	for i, w := range cfg.Weights {
		if !(w > 0 && w <= math.MaxFloat32) {
			return fmt.Errorf("dataset: the weight of sample %d is %v: want a finite number above 0", i, w)
		}
	}
	return nil
}

// Samples returns the number of samples of the set.
func (l *Loader) Samples() int { return len(l.folder.Samples) }

// Len returns the number of samples per pass: all, or the share of this process.
func (l *Loader) Len() int { return len(l.order) }

// Batches returns the number of batches per pass.
func (l *Loader) Batches() int { return (l.Len() + l.cfg.BatchSize - 1) / l.cfg.BatchSize }

// Path returns the file of a sample; i is its index in the folder.
func (l *Loader) Path(i int) string { return l.folder.Samples[i].Path }

// Layout returns the layout of the batches.
func (l *Loader) Layout() BatchLayout { return l.layout }

// Transform returns the transform of every sample.
func (l *Loader) Transform() transforms.Transform { return l.tf }

// SetSlots sets the memory for batches: as many buffers as the layout has slots, of SlotLen() numbers each. The
// caller owns it and must keep it until the last epoch that uses it is closed. Without SetSlots, or after
// SetSlots(nil), the loader allocates memory at the next epoch.
func (l *Loader) SetSlots(slots []Buffer) error {
	if l.busy.Load() {
		return errors.New("dataset: new slots while an epoch is under way: close it first")
	}
	if slots != nil && len(slots) != l.layout.Slots {
		return fmt.Errorf("dataset: %d slots: want %d", len(slots), l.layout.Slots)
	}
	want := [2]int{l.layout.SlotLen(), 0}
	if l.layout.Pixels {
		want = [2]int{0, l.layout.SlotLen()}
	}
	for i, s := range slots {
		if got := [2]int{len(s.Floats), len(s.Bytes)}; got != want {
			return fmt.Errorf("dataset: slot %d has %d floats and %d bytes: want %d and %d", i, got[0], got[1], want[0], want[1])
		}
	}
	l.slots = slots
	return nil
}

// Epoch starts a pass over all samples and its workers. Cancelling ctx stops them. Like PyTorch's DataLoader when it makes an
// iterator, it draws the workers' base seed from main and then, when shuffling, the sampler's seed: two words each. With
// weights it draws the samples themselves from main. With 0 workers the crops come from main too, whenever a batch is made.
// The epoch must be closed.
func (l *Loader) Epoch(ctx context.Context, main Source) *Epoch {
	return l.Resume(ctx, main, Position{})
}

// Resume starts a pass like Epoch, but from a position that another pass has reached, without decoding the samples before
// it. main must be in its state at the beginning of that pass; after Resume the caller sets it to its state at the position.
// The position must be sound (see [Loader.Check]).
func (l *Loader) Resume(ctx context.Context, main Source, at Position) *Epoch {
	e := &Epoch{loader: l}
	if !l.busy.CompareAndSwap(false, true) {
		e.err = errors.New("dataset: another epoch of this loader is under way: close it first")
		e.closed = true
		return e
	}
	for len(l.slots) < l.layout.Slots {
		l.slots = append(l.slots, newBuffer(l.layout))
	}
	e.start(ctx, l.draw(main, l.order), main, at)
	return e
}

// indices returns the samples of batch k.
func (l *Loader) indices(order []int, k int) []int {
	from := k * l.cfg.BatchSize
	return order[from:min(from+l.cfg.BatchSize, len(order))]
}
