package dataset

import (
	"image"

	"hymenoptera/transforms"
)

// A BatchLayout says what a loader's batches look like.
type BatchLayout struct {
	Slots        int  // batches that may be alive at once: made, handed out or both
	N, H, W      int  // samples of a full batch; rows and columns of each
	ChannelsLast bool // floats are H×W×3 rather than 3×H×W; so should the floats be that bytes become
	Pixels       bool // samples are H×W×3 bytes instead of floats
}

// Interleaved reports whether a sample's numbers lie in memory as H×W×3 rather than 3×H×W.
func (l BatchLayout) Interleaved() bool { return l.ChannelsLast || l.Pixels }

// SampleLen returns how many numbers a sample has: 3×H×W.
func (l BatchLayout) SampleLen() int { return 3 * l.H * l.W }

// SlotLen returns how many numbers a slot has: N×3×H×W.
func (l BatchLayout) SlotLen() int { return l.N * l.SampleLen() }

// A Buffer is the memory of a slot: Bytes where the layout says Pixels, else Floats, and the other is nil.
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

// A Batch is N samples, in a slot of its loader. It must be released once, after which its memory, and the Batch
// itself, serve another one; until then nobody else touches it.
type Batch struct {
	Slot    int               // index of the slot
	N       int               // samples, at most the batch size
	Images  []float32         // N×3×H×W or, where the layout says so, N×H×W×3, at the start of the slot
	Pixels  []byte            // N×H×W×3 instead of Images, where the layout says so
	Erase   []image.Rectangle // N, beside Pixels, or nil: what of each sample is set to zero once it is normalised
	Labels  []int64           // N
	Indices []int             // N, into the folder's samples

	number int // in the epoch
	epoch  *Epoch
}

// Release gives the slot back. It may be called from any goroutine, once.
func (b *Batch) Release() { b.epoch.release(b) }

// A PlannedBatch says what a batch would hold.
type PlannedBatch struct {
	Indices []int             // N, into the folder's samples
	Labels  []int64           // N
	Plans   []transforms.Plan // N: what would happen to the samples' pictures
}
