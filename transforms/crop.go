package transforms

import (
	"image"
	"math"

	"hymenoptera/internal/mt19937"
)

// Source is a stream of uniform 32-bit words: PyTorch's generator.
type Source interface{ Uint32() uint32 }

const cropTries = 10

// RandomResizedCrop draws a crop of a picture of w×h pixels as torchvision's RandomResizedCrop.get_params
// does: with a share of the area from scale[0] to scale[1] and an aspect ratio from ratio[0] to ratio[1]. It makes
// up to ten tries of two words each, then draws two words for the place; after ten misses it returns the largest
// centred crop with an allowed aspect ratio.
//
// torch.exp of the drawn logarithm comes from MKL, which is off by one unit in the last place for one input in a
// hundred. Here it is rounded correctly. The difference moves a crop's border only if the area times the ratio is
// within 1e-7 of a rounding boundary.
func RandomResizedCrop(rng Source, w, h int, scale, ratio [2]float64) image.Rectangle {
	area := float64(w * h)
	minScale, maxScale := float32(scale[0]), float32(scale[1])
	minRatio, maxRatio := ratio[0], ratio[1]
	logMinRatio, logMaxRatio := logFloat32(minRatio), logFloat32(maxRatio)
	for range cropTries {
		target := float64(area * float64(mt19937.Uniform(rng, minScale, maxScale)))
		aspect := float64(float32(math.Exp(float64(mt19937.Uniform(rng, logMinRatio, logMaxRatio)))))
		cw := int(math.RoundToEven(math.Sqrt(float64(target * aspect))))
		ch := int(math.RoundToEven(math.Sqrt(target / aspect)))
		if 0 < cw && cw <= w && 0 < ch && ch <= h {
			top := mt19937.IntN(rng, h-ch+1)
			left := mt19937.IntN(rng, w-cw+1)
			return image.Rect(left, top, left+cw, top+ch)
		}
	}
	cw, ch := w, h
	if aspect := float64(w) / float64(h); aspect < minRatio {
		ch = int(math.RoundToEven(float64(w) / minRatio))
	} else if aspect > maxRatio {
		cw = int(math.RoundToEven(float64(float64(h) * maxRatio)))
	}
	left, top := (w-cw)/2, (h-ch)/2
	return image.Rect(left, top, left+cw, top+ch)
}

// logFloat32 is torch.log of a float32 tensor.
func logFloat32(v float64) float32 { return float32(math.Log(float64(float32(v)))) }

// RandomFlip draws whether a sample is mirrored, as torchvision's RandomHorizontalFlip(p) does. It draws one word.
func RandomFlip(rng Source, p float64) bool { return mt19937.Float32(rng) < float32(p) }

// ResizeSize returns the size that torchvision's Resize(short) gives a picture of w×h pixels: its short
// side becomes short, the other one keeps the aspect ratio and is rounded down.
func ResizeSize(w, h, short int) (rw, rh int) {
	if w <= h {
		return short, int(float64(short*h) / float64(w))
	}
	return int(float64(short*w) / float64(h)), short
}

// CenterCrop returns the size×size window in the middle of w×h pixels, as torchvision's CenterCrop does, with offsets
// rounded to even. Both sides must be at least size.
func CenterCrop(w, h, size int) image.Rectangle {
	left := int(math.RoundToEven(float64(w-size) / 2))
	top := int(math.RoundToEven(float64(h-size) / 2))
	return image.Rect(left, top, left+size, top+size)
}
