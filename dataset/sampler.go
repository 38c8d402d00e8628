package dataset

import (
	"context"
	"image"

	"hymenoptera/internal/jpeg"
	"hymenoptera/transforms"
)

// A sampler makes samples from the contents of pictures' files, one after another, and reuses its memory. It belongs to
// one goroutine at a time.
type sampler struct {
	tf     transforms.Transform
	norm   *transforms.Normalizer
	layout BatchLayout
	// keep, if not nil, reports whether to decode all of a picture of that size, for the cache.
	keep func(width, height int) bool

	jpeg     *jpeg.Decoder
	resizer  transforms.Resizer
	picture  transforms.Image // the file's pixels, or those that the plan needs
	complete bool             // picture has all pixels, as keep demanded
	sample8  transforms.Image // the sample, before it is normalised
	unusual  []string         // about the file that was decoded last
}

func newSampler(tf transforms.Transform, layout BatchLayout) sampler {
	return sampler{tf: tf, norm: transforms.NewNormalizer(tf.Mean, tf.Std), layout: layout}
}

// close frees the memory outside of Go's heap.
func (s *sampler) close() {
	if s.jpeg != nil {
		s.jpeg.Close()
		s.jpeg = nil
	}
}

// crop draws a file's augmentation from rng and sets s.sample8 to the part of the picture to show. The returned plan has
// the remaining work.
func (s *sampler) crop(ctx context.Context, rng Source, file []byte) (plan transforms.Plan, err error) {
	var origin image.Point
	s.complete = false
	if format(file) == formatJPEG {
		plan, origin, err = s.decodeJPEG(ctx, rng, file)
	} else {
		plan, err = s.decodeOther(ctx, rng, file)
	}
	if err != nil {
		return plan, err
	}
	return s.show(&s.picture, origin, plan), nil
}

// show sets s.sample8 to the part of a picture that plan shows; origin is the position of the picture's upper left pixel. It
// returns the rest of the plan. The flip is left to normalising, which does it at no cost, unless the plan augments pixels.
func (s *sampler) show(picture *transforms.Image, origin image.Point, plan transforms.Plan) transforms.Plan {
	s.resizer.Resize(&s.sample8, picture, origin, plan)
	if plan.Augment != nil {
		if plan.Flip {
			s.sample8.Mirror()
		}
		plan.Augment(&s.sample8)
		plan.Flip, plan.Augment = false, nil
	}
	return plan
}

// decodeJPEG draws the plan for the size in the header and decodes only the pixels that it needs, from origin on, or a whole
// picture that is to be kept or turned.
func (s *sampler) decodeJPEG(ctx context.Context, rng Source, file []byte) (plan transforms.Plan, origin image.Point, err error) {
	if s.jpeg == nil {
		if s.jpeg, err = jpeg.NewDecoder(); err != nil {
			return plan, origin, err
		}
	}
	info, err := s.jpeg.Header(file)
	if err != nil {
		return plan, origin, err
	}
	s.unusual = warnings(file, info.Width, info.Height)
	if s.tf.Upright && turns(exifOrientation(file)) {
		if err := decodeRegion(ctx, &s.picture, s.jpeg, file, info.Bounds()); err != nil {
			return plan, origin, err
		}
		return s.whole(rng, file), origin, nil
	}
	plan = s.tf.Plan(info.Width, info.Height, rng)
	region := info.Bounds()
	if s.complete = s.keep != nil && s.keep(info.Width, info.Height); !s.complete {
		region = s.jpeg.Cover(plan.Source())
	}
	return plan, region.Min, decodeRegion(ctx, &s.picture, s.jpeg, file, region)
}

// decodeOther decodes the whole picture.
func (s *sampler) decodeOther(ctx context.Context, rng Source, file []byte) (plan transforms.Plan, err error) {
	if err := decode(ctx, &s.picture, file); err != nil {
		return plan, err
	}
	s.unusual = warnings(file, s.picture.Width, s.picture.Height)
	return s.whole(rng, file), nil
}

// whole draws the plan for a picture that was decoded as a whole.
func (s *sampler) whole(rng Source, file []byte) transforms.Plan {
	if s.tf.Upright {
		TurnUpright(&s.picture, file)
	}
	w, h := s.picture.Width, s.picture.Height
	s.complete = s.keep != nil && s.keep(w, h)
	return s.tf.Plan(w, h, rng)
}

// normalize writes the sample of a picture, applying the rest of its plan.
func (s *sampler) normalize(dst []float32, picture *transforms.Image, plan transforms.Plan) {
	if s.layout.ChannelsLast {
		s.norm.ApplyChannelsLast(dst, picture, plan.Flip)
		transforms.EraseChannelsLast(dst, picture.Width, plan.Erase)
	} else {
		s.norm.Apply(dst, picture, plan.Flip)
		transforms.Erase(dst, picture.Width, plan.Erase)
	}
}

// decodeRegion decodes a region of a file. d has read the file's header last.
func decodeRegion(ctx context.Context, dst *transforms.Image, d *jpeg.Decoder, data []byte, region image.Rectangle) error {
	dst.Reset(region.Dx(), region.Dy())
	return d.Decode(ctx, dst.Bytes(), 8*dst.Stride, data, region)
}
