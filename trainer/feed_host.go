package trainer

import (
	"context"
	"fmt"
	"image"
	"io"
	"iter"
	"time"

	"hymenoptera/dataset"
	"hymenoptera/torch"
	"hymenoptera/torch/vision"
)

// openFeeds returns the feeds of the two sets: from the device if the pictures fit into the rest of cfg.Resident, otherwise
// from the host. s owns their tensors.
func openFeeds(ctx context.Context, s *torch.Scope, data Data, cfg Config) (train, val feed, err error) {
	left := cfg.Resident
	var host *hostFeed
	open := func(loader *dataset.Loader) (feed, error) {
		fits, err := fitDevice(ctx, loader, &left)
		if err != nil {
			return nil, err
		}
		if fits {
			return newDeviceFeed(ctx, s, loader, cfg.Device)
		}
		host = newHostFeed(s, loader, cfg.Device, host)
		return host, nil
	}
	if train, err = open(data.Train); err != nil {
		return nil, nil, err
	}
	val, err = open(data.Val)
	return train, val, err
}

// A hostFeed lets a loader's workers write batches directly into the memory of its tensors, one per slot, so that no batch
// is copied for libtorch.
type hostFeed struct {
	*dataset.Loader
	device torch.Device

	slots []*torch.Tensor    // B×3×H×W or, where the loader's samples are H×W×3, B×H×W×3; pinned for a CUDA device
	norm  *vision.Normalizer // of bytes; nil where samples are floats
	epoch *dataset.Epoch     // under way, or the last one
}

// newHostFeed makes tensors for the loader's batches, or shares those of another feed with the same layout. Two feeds that
// share tensors must not give batches at the same time.
func newHostFeed(s *torch.Scope, loader *dataset.Loader, device torch.Device, other *hostFeed) *hostFeed {
	f := &hostFeed{Loader: loader, device: device}
	layout := loader.Layout()
	if layout.Pixels {
		tf := loader.Transform()
		f.norm = vision.NewNormalizer(s, tf.Mean, tf.Std, device)
	}
	if other != nil && other.Layout() == layout {
		f.slots = other.slots
		return f
	}
	n, h, w := int64(layout.N), int64(layout.H), int64(layout.W)
	shape, dtype := []int64{n, 3, h, w}, torch.Float32
	if layout.Interleaved() {
		shape = []int64{n, h, w, 3}
	}
	if layout.Pixels {
		dtype = torch.Uint8
	}
	for range layout.Slots {
		f.slots = append(f.slots, hostTensor(s, dtype, device, shape))
	}
	return f
}

// lend gives the loader the memory of the slots.
func (f *hostFeed) lend() error {
	var memory []dataset.Buffer
	for _, t := range f.slots {
		if f.Layout().Pixels {
			memory = append(memory, dataset.Buffer{Bytes: torch.Bytes(t)})
		} else {
			memory = append(memory, dataset.Buffer{Floats: torch.Float32View(t)})
		}
	}
	return f.SetSlots(memory)
}

// drawn implements feed.
func (f *hostFeed) drawn() []uint64 {
	if f.epoch == nil {
		return nil
	}
	return f.epoch.Position().Drawn
}

// batches implements feed. The loader outlives the tensors, so it uses them only during the pass; between two passes it may
// serve others.
func (f *hostFeed) batches(ctx context.Context, s *torch.Scope, epoch int, at dataset.Position) iter.Seq2[batch, error] {
	f.epoch = nil
	f.SetEpoch(epoch)
	if err := f.lend(); err != nil {
		return func(yield func(batch, error) bool) { yield(batch{}, fmt.Errorf("trainer: %w", err)) }
	}
	f.epoch = f.Resume(ctx, torch.Generator{}, at)
	return func(yield func(batch, error) bool) {
		defer f.SetSlots(nil)
		defer f.epoch.Close()
		for more := true; more; {
			asked := time.Now()
			b, err := f.epoch.Next(ctx)
			switch {
			case err == io.EOF:
				return
			case err != nil:
				yield(batch{}, err)
				return
			}
			more = f.give(s, b, time.Since(asked), yield)
		}
	}
}

// give yields a batch of the loader and releases it.
func (f *hostFeed) give(s *torch.Scope, b *dataset.Batch, wait time.Duration, yield func(batch, error) bool) bool {
	defer b.Release()
	s = s.Child()
	defer s.Close()
	labels := upload(s, b.Labels, f.device)
	return yield(batch{Batch{Samples: b.Indices, Labels: b.Labels, Inputs: f.images(s, b)}, labels, s, wait}, nil)
}

// images returns a batch's images N×3×H×W on the device. On the CPU they can be the slot itself.
func (f *hostFeed) images(s *torch.Scope, b *dataset.Batch) *torch.Tensor {
	layout := f.Layout()
	x := torch.Narrow(s, f.slots[b.Slot], 0, 0, int64(b.N))
	if layout.Interleaved() {
		x = torch.Permute(s, x, 0, 3, 1, 2)
	}
	if f.device != torch.CPU {
		x = torch.Upload(s, x, f.device)
	}
	if f.norm != nil {
		x = f.norm.Apply(s, torch.ToDType(s, x, torch.Float32))
		if !layout.ChannelsLast {
			x = torch.Contiguous(s, x)
		}
		erase(s, x, b.Erase)
	}
	return x
}

// erase sets a rectangle of each image of x N×3×H×W to zero; rectangles may be fewer than images.
func erase(s *torch.Scope, x *torch.Tensor, rectangles []image.Rectangle) {
	for i, r := range rectangles {
		if r.Empty() {
			continue
		}
		part := torch.Narrow(s, x, 0, int64(i), 1)
		part = torch.Narrow(s, part, 2, int64(r.Min.Y), int64(r.Dy()))
		torch.FillInPlace(torch.Narrow(s, part, 3, int64(r.Min.X), int64(r.Dx())), 0)
	}
}

// hostTensor returns a tensor on the CPU, pinned if its data is for a CUDA device.
func hostTensor(s *torch.Scope, dtype torch.DType, device torch.Device, shape []int64) *torch.Tensor {
	if device == torch.CPU {
		return torch.Empty(s, dtype, torch.CPU, shape...)
	}
	return torch.EmptyPinned(s, dtype, shape...)
}

// upload returns labels N on a device, without waiting for the work that the device has queued.
func upload(s *torch.Scope, labels []int64, device torch.Device) *torch.Tensor {
	host := hostTensor(s, torch.Int64, device, []int64{int64(len(labels))})
	copy(torch.Int64View(host), labels)
	if device == torch.CPU {
		return host
	}
	return torch.Upload(s, host, device)
}
