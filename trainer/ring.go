package trainer

import (
	"context"
	"fmt"

	"hymenoptera/dataset"
	"hymenoptera/torch"
)

// A ring holds the tensors that a loader's batches are written into by its workers, one a slot, so that a
// batch is never copied on its way to libtorch.
type ring struct {
	loader *dataset.Loader
	slots  []*torch.Tensor // B×3×H×W on the CPU, as views where the loader's samples are H×W×3
	views  [][]float32     // their memory
	device torch.Device
}

// newRing makes tensors for the loader's batches; s owns them.
func newRing(s *torch.Scope, loader *dataset.Loader, device torch.Device) *ring {
	r := &ring{loader: loader, device: device}
	batch, height, width := loader.SlotShape()
	n, h, w := int64(batch), int64(height), int64(width)
	for range loader.Slots() {
		shape := []int64{n, 3, h, w}
		if loader.ChannelsLast() {
			shape = []int64{n, h, w, 3}
		}
		t := torch.Empty(s, torch.Float32, torch.CPU, shape...)
		r.views = append(r.views, torch.Float32View(t))
		if loader.ChannelsLast() {
			t = torch.Permute(s, t, 0, 3, 1, 2)
		}
		r.slots = append(r.slots, t)
	}
	return r
}

// Len and Path implement set.
func (r *ring) Len() int          { return r.loader.Len() }
func (r *ring) Path(i int) string { return r.loader.Path(i) }

// pass implements set. The loader writes into the ring's tensors until the pass is closed: it outlives them, and
// may serve others between two phases.
func (r *ring) pass(ctx context.Context, _ int) (pass, error) {
	if err := r.loader.SetSlots(r.views); err != nil {
		return nil, fmt.Errorf("trainer: %w", err)
	}
	return ringPass{r.loader.Epoch(ctx, torch.Generator{}), r.loader}, nil
}

// A ringPass is an epoch of a loader that writes into borrowed tensors.
type ringPass struct {
	*dataset.Epoch
	loader *dataset.Loader
}

// Close ends the epoch and gives the tensors back.
func (p ringPass) Close() {
	p.Epoch.Close()
	p.loader.SetSlots(nil)
}

// tensors returns a batch's images N×3×H×W and labels N on the ring's device. On the CPU the images are
// the slot itself, valid until the batch is released.
func (r *ring) tensors(s *torch.Scope, b *dataset.Batch) (images, labels *torch.Tensor) {
	images = torch.Narrow(s, r.slots[b.Slot], 0, 0, int64(b.N))
	labels = torch.FromInt64s(s, b.Labels, int64(b.N))
	return torch.To(s, images, r.device), torch.To(s, labels, r.device)
}
