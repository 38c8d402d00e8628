package trainer

import (
	"context"
	"image"
	"io"

	"hymenoptera/dataset"
	"hymenoptera/torch"
	"hymenoptera/torch/vision"
)

// A resident set is one whose decoded pictures lie on the device, where they are cropped, resized and mirrored: an epoch
// of it needs no workers, and nothing but labels crosses the bus. The draws are those of its loader.
type resident struct {
	loader   *dataset.Loader
	device   torch.Device
	size     int64
	pictures []*torch.Tensor // 1×3×H×W of uint8, one a sample
	sizes    []image.Point   // W×H
	norm     *vision.Normalizer
}

// newSet returns the samples of a loader as phases pass over them: on the device where they fit into what is left of
// the memory for that.
func newSet(ctx context.Context, m *memory, loader *dataset.Loader) (set, error) {
	if m.resident <= 0 {
		return newRing(m, loader), nil
	}
	pixels, err := loader.CountPixels(ctx, m.resident/bytesPerPixel)
	if err != nil {
		return nil, err
	}
	need := bytesPerPixel * pixels
	if need > m.resident {
		return newRing(m, loader), nil
	}
	m.resident -= need
	return newResident(ctx, m.scope, loader, m.device)
}

// bytesPerPixel is what a pixel of a decoded picture takes: the fourth byte is nothing.
const bytesPerPixel = 4

// newResident decodes the loader's samples onto the device; s owns them.
func newResident(ctx context.Context, s *torch.Scope, loader *dataset.Loader, device torch.Device) (*resident, error) {
	tf := loader.Transform()
	r := &resident{
		loader: loader, device: device, size: int64(tf.Size),
		pictures: make([]*torch.Tensor, loader.Len()), sizes: make([]image.Point, loader.Len()),
		norm: vision.NewNormalizer(s, tf.Mean, tf.Std, device),
	}
	for p, err := range loader.Pictures(ctx) {
		if err != nil {
			return nil, err
		}
		m := p.Image
		r.sizes[p.Index] = image.Pt(m.Width, m.Height)
		r.pictures[p.Index] = s.Tidy(func(s *torch.Scope) *torch.Tensor {
			rows := torch.FromBytes(s, torch.Uint8, m.Bytes(), 1, int64(m.Height), 2*int64(m.Stride), bytesPerPixel)
			colours := torch.Permute(s, torch.To(s, rows, device), 0, 3, 1, 2)
			return torch.Narrow(s, torch.Narrow(s, colours, 1, 0, 3), 3, 0, int64(m.Width))
		})
	}
	return r, nil
}

// Len and Path implement set.
func (r *resident) Len() int          { return r.loader.Len() }
func (r *resident) Path(i int) string { return r.loader.Path(i) }

// pass implements set.
func (r *resident) pass(context.Context, int) (pass, error) {
	return &residentPass{batches: r.loader.PlanEpoch(torch.Generator{}, r.sizes)}, nil
}

// tensors implements set.
func (r *resident) tensors(s *torch.Scope, b *dataset.Batch) (images, labels *torch.Tensor) {
	images = s.Tidy(func(s *torch.Scope) *torch.Tensor {
		shape := []int64{int64(b.N), r.size, r.size, 3}
		crops := torch.Permute(s, torch.Empty(s, torch.Float32, r.device, shape...), 0, 3, 1, 2) // N×3×H×W, channels last
		for i, index := range b.Indices {
			crop := torch.Narrow(s, crops, 0, int64(i), 1)
			if r.loader.Transform().Random {
				vision.ResizedCrop(s, crop, r.pictures[index], b.Plans[i].Crop, b.Plans[i].Flip)
			} else {
				torch.CopyInPlace(crop, r.pictures[index])
			}
		}
		return r.norm.Apply(s, crops)
	})
	return images, upload(s, b.Labels, r.device)
}

// A residentPass gives the planned batches of an epoch.
type residentPass struct{ batches []*dataset.Batch }

func (p *residentPass) Next() (*dataset.Batch, error) {
	if len(p.batches) == 0 {
		return nil, io.EOF
	}
	b := p.batches[0]
	p.batches = p.batches[1:]
	return b, nil
}

func (p *residentPass) Close() {}
