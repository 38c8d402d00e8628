package dataset

import "hymenoptera/transforms"

// A Batch is N samples, in a slot of its loader. It must be released once, after which its memory, and the Batch
// itself, serve another one; until then nobody else touches it.
type Batch struct {
	Slot    int       // index of the slot
	N       int       // samples, at most the batch size
	Images  []float32 // N×3×H×W or, where the loader says so, N×H×W×3, at the start of the slot
	Pixels  []byte    // N×H×W×3 in the place of Images, where the loader says so
	Labels  []int64   // N
	Indices []int     // N, into the folder's samples

	// Plans, N, are what would happen to the samples' pictures, in a batch of [Loader.PlanEpoch] alone.
	Plans []transforms.Plan

	number int // in the epoch
	epoch  *Epoch
}

// Release gives the slot back. It may be called from any goroutine, once.
func (b *Batch) Release() {
	if b.epoch != nil {
		b.epoch.release(b)
	}
}
