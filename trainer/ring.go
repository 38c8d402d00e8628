package trainer

import (
	"fmt"

	"hymenoptera/dataset"
	"hymenoptera/torch"
)

// A ring holds the tensors that a loader's batches are written into by its workers, one a slot, so that a
// batch is never copied on its way to libtorch.
type ring struct {
	loader *dataset.Loader
	slots  []*torch.Tensor // B×3×H×W on the CPU, as views where the loader's samples are H×W×3
	device torch.Device
}

// newRing makes the loader write into tensors that s owns. They must outlive the loader's epochs.
func newRing(s *torch.Scope, loader *dataset.Loader, device torch.Device) (*ring, error) {
	r := &ring{loader: loader, device: device}
	views := make([][]float32, loader.Slots())
	batch, h, w := loader.SlotShape()
	for i := range views {
		n, h, w := int64(batch), int64(h), int64(w)
		shape := []int64{n, 3, h, w}
		if loader.ChannelsLast() {
			shape = []int64{n, h, w, 3}
		}
		t := torch.Empty(s, torch.Float32, torch.CPU, shape...)
		views[i] = torch.Float32View(t)
		if loader.ChannelsLast() {
			t = torch.Permute(s, t, 0, 3, 1, 2)
		}
		r.slots = append(r.slots, t)
	}
	if err := loader.SetSlots(views); err != nil {
		return nil, fmt.Errorf("trainer: %w", err)
	}
	return r, nil
}

// tensors returns a batch's images N×3×H×W and labels N on the ring's device. On the CPU the images are
// the slot itself, valid until the batch is released.
func (r *ring) tensors(s *torch.Scope, b *dataset.Batch) (images, labels *torch.Tensor) {
	images = torch.Narrow(s, r.slots[b.Slot], 0, 0, int64(b.N))
	labels = torch.FromInt64s(s, b.Labels, int64(b.N))
	return torch.To(s, images, r.device), torch.To(s, labels, r.device)
}
