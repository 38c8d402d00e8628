package dataset

import (
	"bytes"
	"context"
	"fmt"

	"hymenoptera/internal/jpeg"
	"hymenoptera/transforms"
)

// A Preparer makes samples of pictures in memory, as a loader does from files. It reuses its memory from picture to
// picture. One goroutine at a time may use it.
type Preparer struct {
	sampler
	pixels int // the most pixels of a picture
}

// A SizeError says that a picture has too many pixels.
type SizeError struct{ Width, Height, Most int }

func (e *SizeError) Error() string {
	return fmt.Sprintf("%d×%d pixels: want 1 to %d", e.Width, e.Height, e.Most)
}

// NewPreparer returns a preparer for a transform without random parts. Samples are H×W×3 with channelsLast, else
// 3×H×W. It must be closed.
func NewPreparer(tf transforms.Transform, channelsLast bool) (*Preparer, error) {
	if err := tf.Validate(); err != nil {
		return nil, err
	}
	if tf.Random {
		return nil, fmt.Errorf("dataset: a preparer cannot draw random crops: want the transform of validation")
	}
	d, err := jpeg.NewDecoder()
	if err != nil {
		return nil, err
	}
	p := &Preparer{newSampler(tf, BatchLayout{N: 1, H: tf.Size, W: tf.Size, ChannelsLast: channelsLast}), jpeg.MaxPixels}
	p.jpeg = d
	return p, nil
}

// Len returns the number of floats in a sample: 3×H×W.
func (p *Preparer) Len() int { return p.layout.SampleLen() }

// Bound sets the number of pixels that [Preparer.Cost] allows. [Preparer.Prepare] then refuses JPEG files whose scans
// are more work than 20 passes over that many pixels; such a file may have only a few kilobytes.
func (p *Preparer) Bound(pixels int) {
	p.pixels, p.jpeg.MaxWork = pixels, 20*int64(pixels)
}

// A Cost is an upper bound of the resources for making a sample.
type Cost struct {
	Memory int64 // bytes, in addition to the file and the sample
	Work   int64 // passes over pixels, each counted per pixel
}

// Cost returns the most that [Preparer.Prepare] takes for a picture, by its header. A file without a header is an
// error, and so is a picture with too many pixels: a [*SizeError].
func (p *Preparer) Cost(data []byte) (Cost, error) {
	if format(data) == formatJPEG {
		info, err := p.jpeg.Header(data)
		if err != nil {
			return Cost{}, err
		}
		if err := p.bounded(info.Width, info.Height); err != nil {
			return Cost{}, err
		}
		// This marker cannot occur in a scan's data, but in other segments, such as a thumbnail, it can.
		scans := int64(bytes.Count(data, []byte("\xff\xda")))
		work := int64(info.Width) * int64(info.Height) * scans
		return Cost{jpegMemory(p.tf, p.jpeg, info, exifOrientation(data)), min(work, p.jpeg.MaxWork)}, nil
	}
	width, height, err := Size(data)
	if err != nil {
		return Cost{}, err
	}
	if err := p.bounded(width, height); err != nil {
		return Cost{}, err
	}
	const passes = 4 // unpacking, filters, colours, a copy
	return Cost{otherMemory(p.tf, data, width, height), passes * int64(width) * int64(height)}, nil
}

// bounded returns an error for pictures that are too large.
func (p *Preparer) bounded(width, height int) error {
	if width <= 0 || height <= 0 || width > p.pixels/height {
		return &SizeError{width, height, p.pixels}
	}
	return nil
}

// Prepare writes the sample of a picture to dst, which has Len() floats. data is the content of a file in any format that
// [Decode] accepts. Prepare decodes only the part of a JPEG that the crop needs, and stops soon after ctx is done.
func (p *Preparer) Prepare(ctx context.Context, dst []float32, data []byte) error {
	if _, err := p.crop(ctx, nil, data); err != nil {
		return err
	}
	p.normalize(dst, &p.sample8, transforms.Plan{})
	return nil
}

// Unusual returns the reasons for a [Warning] about the last picture.
func (p *Preparer) Unusual() []string { return p.unusual }

// Close frees the memory outside of Go's heap.
func (p *Preparer) Close() { p.close() }
