package dataset

import (
	"image"

	"hymenoptera/transforms"
)

// A BatchLayout is the layout of a loader's batches.
type BatchLayout struct {
	Slots        int  // batches that may exist at once: being made, or handed out
	N, H, W      int  // samples of a full batch; rows and columns of each sample
	ChannelsLast bool // floats are H×W×3 rather than 3×H×W; with Pixels, the consumer should make such floats
	Pixels       bool // samples are H×W×3 bytes instead of floats
}

// Interleaved reports whether samples lie in memory as H×W×3 rather than 3×H×W.
func (l BatchLayout) Interleaved() bool { return l.ChannelsLast || l.Pixels }

// SampleLen returns how many numbers a sample has: 3×H×W.
func (l BatchLayout) SampleLen() int { return 3 * l.H * l.W }

// SlotLen returns how many numbers a slot has: N×3×H×W.
func (l BatchLayout) SlotLen() int { return l.N * l.SampleLen() }

// A Buffer is the memory of a slot: Bytes if the layout has Pixels, else Floats. The other is nil.
type Buffer struct {
	Floats []float32
	Bytes  []byte
}

// newBuffer allocates a slot.
func newBuffer(l BatchLayout) Buffer {
	if l.Pixels {
		return Buffer{Bytes: make([]byte, l.SlotLen())}
	}
	return Buffer{Floats: make([]float32, l.SlotLen())}
}

// A Batch is N samples, in a slot of its loader. It must be released once; then the loader reuses the slot, and the
// Batch itself.
type Batch struct {
	Slot    int               // index of the slot
	N       int               // samples, at most the batch size
	Images  []float32         // N×3×H×W or, with ChannelsLast, N×H×W×3; at the start of the slot
	Pixels  []byte            // N×H×W×3, instead of Images, with Pixels
	Erase   []image.Rectangle // N, with Pixels, or nil: the part of each sample to set to zero after it is normalised
	Labels  []int64           // N
	Indices []int             // N, into the folder's samples

	number int // in the epoch
	epoch  *Epoch
}

// Release gives the slot back. It may be called from any goroutine, once.
func (b *Batch) Release() { b.epoch.release(b) }

// A PlannedBatch describes a batch whose pictures are not decoded.
type PlannedBatch struct {
	Indices []int             // N, into the folder's samples
	Labels  []int64           // N
	Plans   []transforms.Plan // N, for the samples' pictures
}
