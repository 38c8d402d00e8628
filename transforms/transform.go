// Package transforms turns decoded pictures into normalised float32 samples, as torchvision's transforms do, bit for
// bit.
//
//	tf := transforms.Train(224)              // RandomResizedCrop, flip, ToTensor, Normalize
//	plan := tf.Plan(src.Width, src.Height, rng) // the draws; before anything is decoded
//	var r transforms.Resizer
//	var out transforms.Image
//	r.Resize(&out, &src, image.Point{}, plan)
//	transforms.NewNormalizer(tf.Mean, tf.Std).Apply(dst, &out, plan.Flip) // 3×224×224
//
// A [Plan] says how to make one sample. It depends only on the picture's size and the random draws, so a loader can
// decode only the pixels in [Plan.Source]. The references are torchvision 0.26.0 and Pillow 13.0.0. The only
// interpolation is BILINEAR.
package transforms

import (
	"errors"
	"fmt"
	"image"
)

// MaxSize is the largest side, in pixels, of a sample.
const MaxSize = 1 << 11

// maxRatio bounds aspect ratios.
const maxRatio = 1e4

// A Transform makes the samples of a phase: either RandomResizedCrop(Size, Scale, Ratio) and
// RandomHorizontalFlip(FlipP), Augment and Erasing, or Resize(Short) and CenterCrop(Size); then ToTensor and
// Normalize(Mean, Std).
type Transform struct {
	Upright bool       `json:"exif_rotate,omitempty"` // the decoder first turns the picture upright by its EXIF data
	Random  bool       `json:"random,omitempty"`
	Scale   [2]float64 `json:"scale,omitzero"` // share of the picture's area in a random crop, from and to
	Ratio   [2]float64 `json:"ratio,omitzero"` // width by height of a random crop, from and to
	FlipP   float64    `json:"flip,omitempty"` // probability that a random crop is mirrored; 0 leaves the flip and its draw out
	// Augment, if not nil, is drawn after the flip of a random crop and changes its pixels. Erasing is drawn last and
	// erases a part of the normalised sample.
	Augment Augmentation  `json:"-"`
	Erasing RandomErasing `json:"-"`
	Short   int           `json:"resize,omitempty"` // short side after Resize, in pixels; 0 if Random
	Size    int           `json:"crop"`             // height and width of a sample, in pixels
	Mean    [3]float32    `json:"mean"`             // of red, green, blue, which are in [0, 1]
	Std     [3]float32    `json:"std"`
}

// The statistics of ImageNet that torchvision's weights were trained with.
var (
	imageNetMean = [3]float32{0.485, 0.456, 0.406}
	imageNetStd  = [3]float32{0.229, 0.224, 0.225}
)

// Train returns the notebook's training transform: RandomResizedCrop(size), RandomHorizontalFlip, ToTensor,
// Normalize with ImageNet's statistics.
func Train(size int) Transform {
	return Transform{Random: true, Scale: [2]float64{0.08, 1}, Ratio: [2]float64{3.0 / 4.0, 4.0 / 3.0}, FlipP: 0.5,
		Size: size, Mean: imageNetMean, Std: imageNetStd}
}

// Eval returns the notebook's validation transform: Resize, CenterCrop(size), ToTensor, Normalize with
// ImageNet's statistics. The short side is resized to 256/224 of size, rounded down, as the notebook does
// for 224.
func Eval(size int) Transform {
	return Transform{Short: size * 256 / 224, Size: size, Mean: imageNetMean, Std: imageNetStd}
}

// Validate returns an error if t cannot make samples.
func (t Transform) Validate() error {
	if t.Size < 1 || t.Size > MaxSize {
		return fmt.Errorf("transforms: image size %d: want 1 to %d", t.Size, MaxSize)
	}
	if !t.Random && (t.Short < t.Size || t.Short > 2*MaxSize) {
		return fmt.Errorf("transforms: resize to %d: want %d (the crop) to %d", t.Short, t.Size, 2*MaxSize)
	}
	if t.Random && !(t.Scale[0] > 0 && t.Scale[0] <= t.Scale[1] && t.Scale[1] <= 1) {
		return fmt.Errorf("transforms: random crops of %v of the area: want a range above 0, to 1 at most", t.Scale)
	}
	if t.Random && !(t.Ratio[0] > 0 && t.Ratio[0] <= t.Ratio[1] && t.Ratio[1] <= maxRatio) {
		return fmt.Errorf("transforms: random crops of aspect ratios %v: want a range above 0, to %v at most", t.Ratio, maxRatio)
	}
	if !(t.FlipP >= 0 && t.FlipP <= 1) {
		return fmt.Errorf("transforms: a flip with probability %v: want 0 to 1", t.FlipP)
	}
	if !t.Random && (t.Augment != nil || t.Erasing.P > 0) {
		return errors.New("transforms: augmentations without random crops")
	}
	if err := t.Erasing.validate(); err != nil {
		return err
	}
	for c, s := range t.Std {
		if s == 0 {
			return fmt.Errorf("transforms: the standard deviation of channel %d is 0", c)
		}
	}
	return nil
}

// Plan returns the plan for a picture of w×h pixels. If the transform is random it draws the crop, the flip, the
// augmentation and the erasing from rng.
func (t Transform) Plan(w, h int, rng Source) Plan {
	if t.Random {
		plan := Plan{
			Crop:   RandomResizedCrop(rng, w, h, t.Scale, t.Ratio),
			Width:  t.Size,
			Height: t.Size,
			Window: image.Rect(0, 0, t.Size, t.Size),
		}
		plan.Flip = t.FlipP > 0 && RandomFlip(rng, t.FlipP)
		if t.Augment != nil {
			plan.Augment = t.Augment.Draw(rng, t.Size, t.Size)
		}
		plan.Erase = t.Erasing.draw(rng, t.Size)
		return plan
	}
	rw, rh := ResizeSize(w, h, t.Short)
	return Plan{
		Crop:   image.Rect(0, 0, w, h),
		Width:  rw,
		Height: rh,
		Window: CenterCrop(rw, rh, t.Size),
	}
}
