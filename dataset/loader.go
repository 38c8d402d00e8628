package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"sync/atomic"

	"hymenoptera/transforms"
)

// EOF is what [Epoch.Next] returns after the last batch: io.EOF.
var EOF = io.EOF

// Source is a stream of uniform 32-bit words: PyTorch's main generator.
type Source interface{ Uint32() uint32 }

// MaxWorkers is the largest number of workers of a loader.
const MaxWorkers = 1024

// LoaderConfig says how batches are made.
type LoaderConfig struct {
	BatchSize int  // samples a batch, at least 1; the last batch of an epoch may be smaller
	Shuffle   bool // a new random order each epoch
	// Weights, where not nil, are one a sample: each epoch draws as many samples as there are, with replacement, by
	// their weights, as PyTorch's WeightedRandomSampler does. They must be positive and take the place of Shuffle.
	Weights      []float64
	Workers      int    // goroutines that make batches; with 0 they are made in Next
	Cache        *Cache // where decoded pictures are kept, or nil
	ChannelsLast bool   // samples are H×W×3 rather than 3×H×W
	Pixels       bool   // samples are H×W×3 bytes, mirrored but not normalised, to be normalised elsewhere
	// Warn, if not nil, is called for every picture that is unusual, from the workers.
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
	return nil
}

// A Loader makes the batches of a set, epoch by epoch. Only one epoch may be under way at a time.
type Loader struct {
	folder *ImageFolder
	tf     transforms.Transform
	norm   *transforms.Normalizer
	cfg    LoaderConfig
	slots  [][]float32
	pixels [][]byte // in their place where the config says Pixels
	makers []*maker // one a worker, kept from epoch to epoch for their memory
	order  []int    // of the samples in the epoch under way
	kept   kept     // nil without a cache
	busy   atomic.Bool
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
	l := &Loader{folder: samples, tf: tf, norm: transforms.NewNormalizer(tf.Mean, tf.Std), cfg: cfg}
	l.makers = make([]*maker, max(1, cfg.Workers))
	for i := range l.makers {
		l.makers[i] = &maker{loader: l}
	}
	l.order = make([]int, l.Len())
	if cfg.Cache != nil {
		l.kept = make(kept, l.Len())
	}
	return l, nil
}

// checkWeights finds what is wrong with a loader's weights for n samples.
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

// Len returns the number of samples.
func (l *Loader) Len() int { return len(l.folder.Samples) }

// Batches returns the number of batches an epoch.
func (l *Loader) Batches() int { return (l.Len() + l.cfg.BatchSize - 1) / l.cfg.BatchSize }

// Path returns the file of a sample; i is its index in the folder.
func (l *Loader) Path(i int) string { return l.folder.Samples[i].Path }

// Slots returns how many batches may be alive at once: made, handed out or both.
func (l *Loader) Slots() int { return 2*l.cfg.Workers + 1 }

// SlotLen returns the length of a slot: BatchSize×3×H×W numbers.
func (l *Loader) SlotLen() int { return l.cfg.BatchSize * l.sampleLen() }

// ChannelsLast reports whether samples are H×W×3.
func (l *Loader) ChannelsLast() bool { return l.cfg.ChannelsLast }

// Pixels reports whether samples are bytes.
func (l *Loader) Pixels() bool { return l.cfg.Pixels }

// Transform returns what happens to every sample.
func (l *Loader) Transform() transforms.Transform { return l.tf }

// SlotShape returns the samples a slot holds and their height and width.
func (l *Loader) SlotShape() (n, h, w int) { return l.cfg.BatchSize, l.tf.Size, l.tf.Size }

func (l *Loader) sampleLen() int { return 3 * l.tf.Size * l.tf.Size }

// SetSlots gives the memory that batches are written into: Slots() slices of SlotLen() floats each. The
// caller keeps owning it and must keep it until the last epoch that uses it is closed. Without it, and after
// SetSlots(nil), the loader allocates its own at the next epoch.
func (l *Loader) SetSlots(slots [][]float32) error { return setSlots(l, &l.slots, slots) }

// SetPixelSlots is SetSlots for a loader of bytes.
func (l *Loader) SetPixelSlots(slots [][]byte) error { return setSlots(l, &l.pixels, slots) }

func setSlots[T float32 | byte](l *Loader, mine *[][]T, slots [][]T) error {
	if l.busy.Load() {
		return fmt.Errorf("dataset: new slots while an epoch is under way: close it first")
	}
	if slots != nil && len(slots) != l.Slots() {
		return fmt.Errorf("dataset: %d slots: want %d", len(slots), l.Slots())
	}
	for i, s := range slots {
		if len(s) != l.SlotLen() {
			return fmt.Errorf("dataset: slot %d has %d numbers: want %d", i, len(s), l.SlotLen())
		}
	}
	*mine = slots
	return nil
}

// makeSlots allocates what the caller has not given.
func makeSlots[T float32 | byte](l *Loader, slots [][]T) [][]T {
	if slots == nil {
		for range l.Slots() {
			slots = append(slots, make([]T, l.SlotLen()))
		}
	}
	return slots
}

// Epoch starts a pass over all samples and its workers. As PyTorch's DataLoader does when an iterator is
// made, it draws the workers' base seed from main and then, when shuffling, the sampler's seed: two words
// each; with weights it draws the samples themselves from main. With 0 workers the crops come from main too, whenever a
// batch is made. Cancelling ctx stops the workers. The epoch must be closed.
func (l *Loader) Epoch(ctx context.Context, main Source) *Epoch {
	e := &Epoch{loader: l, ctx: ctx}
	if !l.busy.CompareAndSwap(false, true) {
		e.err = fmt.Errorf("dataset: another epoch of this loader is under way: close it first")
		e.closed = true
		return e
	}
	if l.cfg.Pixels {
		l.pixels = makeSlots(l, l.pixels)
	} else {
		l.slots = makeSlots(l, l.slots)
	}
	e.start(l.draw(main, l.order), main)
	return e
}

// indices returns the samples of batch k.
func (l *Loader) indices(order []int, k int) []int {
	from := k * l.cfg.BatchSize
	return order[from:min(from+l.cfg.BatchSize, len(order))]
}
