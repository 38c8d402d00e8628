package trainer

import (
	"context"
	"image"
	"iter"

	"hymenoptera/dataset"
	"hymenoptera/torch"
	"hymenoptera/torch/vision"
)

// A deviceFeed keeps the decoded pictures on the device, and crops, resizes and mirrors them there. An epoch needs no
// workers, and copies only labels to the device. The draws are those of its loader.
type deviceFeed struct {
	*dataset.Loader
	device   torch.Device
	pictures []*torch.Tensor // 1×3×H×W of uint8, one per sample
	sizes    []image.Point   // W×H
	norm     *vision.Normalizer
}

// bytesPerPixel is the size of a decoded pixel: red, green, blue and a byte without meaning.
const bytesPerPixel = 4

// fitDevice reports whether a loader's pictures can be kept in left bytes of the device, and subtracts their size from left.
// Pictures with augmentations cannot, because those change pixels on the host.
func fitDevice(ctx context.Context, loader *dataset.Loader, left *int64) (bool, error) {
	if *left <= 0 || loader.Transform().Augment != nil {
		return false, nil
	}
	pixels, err := loader.CountPixels(ctx, *left/bytesPerPixel)
	if err != nil || bytesPerPixel*pixels > *left {
		return false, err
	}
	*left -= bytesPerPixel * pixels
	return true, nil
}

// newDeviceFeed decodes the loader's samples onto the device; s owns them.
func newDeviceFeed(ctx context.Context, s *torch.Scope, loader *dataset.Loader, device torch.Device) (*deviceFeed, error) {
	tf := loader.Transform()
	f := &deviceFeed{
		Loader: loader, device: device, pictures: make([]*torch.Tensor, loader.Samples()), sizes: make([]image.Point, loader.Samples()),
		norm: vision.NewNormalizer(s, tf.Mean, tf.Std, device),
	}
	for p, err := range loader.Pictures(ctx) {
		if err != nil {
			return nil, err
		}
		m := p.Image
		f.sizes[p.Index] = image.Pt(m.Width, m.Height)
		f.pictures[p.Index] = s.Tidy(func(s *torch.Scope) *torch.Tensor {
			rows := torch.FromBytes(s, torch.Uint8, m.Bytes(), 1, int64(m.Height), 2*int64(m.Stride), bytesPerPixel)
			colours := torch.Permute(s, torch.To(s, rows, device), 0, 3, 1, 2)
			return torch.Narrow(s, torch.Narrow(s, colours, 1, 0, 3), 3, 0, int64(m.Width))
		})
	}
	return f, nil
}

// drawn implements feed: a whole epoch is planned when it begins.
func (f *deviceFeed) drawn() []uint64 { return nil }

// Check implements feed.
func (f *deviceFeed) Check(at dataset.Position) error { return checkPlanned(f.Loader, at) }

// batches implements feed.
func (f *deviceFeed) batches(_ context.Context, s *torch.Scope, epoch int, at dataset.Position) iter.Seq2[batch, error] {
	f.SetEpoch(epoch)
	planned := f.PlanEpoch(torch.Generator{}, f.sizes)[at.Batches:]
	return func(yield func(batch, error) bool) {
		for _, p := range planned {
			if !f.give(s, p, yield) {
				return
			}
		}
	}
}

// give yields a planned batch.
func (f *deviceFeed) give(s *torch.Scope, p dataset.PlannedBatch, yield func(batch, error) bool) bool {
	s = s.Child()
	defer s.Close()
	images := s.Tidy(func(s *torch.Scope) *torch.Tensor { return f.norm.Apply(s, f.crops(s, p)) })
	for i, plan := range p.Plans {
		erase(s, torch.Narrow(s, images, 0, int64(i), 1), []image.Rectangle{plan.Erase})
	}
	return yield(batch{Batch{Samples: p.Indices, Labels: p.Labels, Inputs: images}, upload(s, p.Labels, f.device), s, 0}, nil)
}

// crops returns the crops N×3×H×W, as numbers from 0 to 255 in channels-last memory.
func (f *deviceFeed) crops(s *torch.Scope, p dataset.PlannedBatch) *torch.Tensor {
	tf := f.Transform()
	size := int64(tf.Size)
	crops := torch.Permute(s, torch.Empty(s, torch.Float32, f.device, int64(len(p.Indices)), size, size, 3), 0, 3, 1, 2)
	for i, index := range p.Indices {
		crop := torch.Narrow(s, crops, 0, int64(i), 1)
		if tf.Random {
			vision.ResizedCrop(s, crop, f.pictures[index], p.Plans[i].Crop, p.Plans[i].Flip)
		} else {
			torch.CopyInPlace(crop, f.pictures[index])
		}
	}
	return crops
}
