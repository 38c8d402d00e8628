package trainer

import (
	"context"
	"fmt"

	"hymenoptera/dataset"
	"hymenoptera/torch"
	"hymenoptera/torch/vision"
)

// A ring holds the tensors that a loader's batches are written into by its workers, one a slot, so that a
// batch is never copied on its way to libtorch.
type ring struct {
	loader *dataset.Loader
	device torch.Device

	slots  []*torch.Tensor // B×3×H×W on the CPU, as views where the loader's samples are H×W×3
	views  [][]float32     // their memory
	pixels [][]byte        // or this, where the loader's samples are bytes
	norm   *vision.Normalizer
}

// newRing makes tensors for the loader's batches.
func newRing(m *memory, loader *dataset.Loader) *ring {
	s, r := m.scope, &ring{loader: loader, device: m.device}
	batch, height, width := loader.SlotShape()
	n, h, w := int64(batch), int64(height), int64(width)
	shape, dtype := []int64{n, 3, h, w}, torch.Float32
	last := loader.ChannelsLast() || loader.Pixels()
	if last {
		shape = []int64{n, h, w, 3}
	}
	if loader.Pixels() {
		dtype = torch.Uint8
		tf := loader.Transform()
		r.norm = vision.NewNormalizer(s, tf.Mean, tf.Std, m.device)
	}
	for _, t := range m.batches(loader.Slots(), dtype, shape) {
		if loader.Pixels() {
			r.pixels = append(r.pixels, torch.Bytes(t))
		} else {
			r.views = append(r.views, torch.Float32View(t))
		}
		if last {
			t = torch.Permute(s, t, 0, 3, 1, 2)
		}
		r.slots = append(r.slots, t)
	}
	return r
}

// Len and Path implement set.
func (r *ring) Len() int          { return r.loader.Len() }
func (r *ring) Path(i int) string { return r.loader.Path(i) }

// lend gives the loader the ring's memory, or takes it back.
func (r *ring) lend(views [][]float32, pixels [][]byte) error {
	if r.loader.Pixels() {
		return r.loader.SetPixelSlots(pixels)
	}
	return r.loader.SetSlots(views)
}

// pass implements set. The loader writes into the ring's tensors until the pass is closed: it outlives them, and
// may serve others between two phases.
func (r *ring) pass(ctx context.Context, _ int) (pass, error) {
	if err := r.lend(r.views, r.pixels); err != nil {
		return nil, fmt.Errorf("trainer: %w", err)
	}
	return ringPass{r.loader.Epoch(ctx, torch.Generator{}), r}, nil
}

// A ringPass is an epoch of a loader that writes into borrowed tensors.
type ringPass struct {
	*dataset.Epoch
	ring *ring
}

// Close ends the epoch and gives the tensors back.
func (p ringPass) Close() {
	p.Epoch.Close()
	p.ring.lend(nil, nil)
}

// tensors returns a batch's images N×3×H×W and labels N on the ring's device. On the CPU the images can be
// the slot itself, valid until the batch is released.
func (r *ring) tensors(s *torch.Scope, b *dataset.Batch) (images, labels *torch.Tensor) {
	images = torch.Narrow(s, r.slots[b.Slot], 0, 0, int64(b.N))
	if r.device != torch.CPU {
		images = torch.Upload(s, images, r.device)
	}
	if r.norm != nil {
		images = r.norm.Apply(s, torch.ToDType(s, images, torch.Float32))
		if !r.loader.ChannelsLast() {
			images = torch.Contiguous(s, images)
		}
	}
	return images, upload(s, b.Labels, r.device)
}

// upload returns labels N on a device, without waiting for what it is doing.
func upload(s *torch.Scope, labels []int64, device torch.Device) *torch.Tensor {
	host := hostTensor(s, torch.Int64, device, []int64{int64(len(labels))})
	copy(torch.Int64View(host), labels)
	if device == torch.CPU {
		return host
	}
	return torch.Upload(s, host, device)
}
