package transforms

import (
	"fmt"
	"image"
	"math"

	"hymenoptera/internal/mt19937"
)

// RandomErasing is torchvision's RandomErasing with value 0: with probability P it sets a rectangle of the normalised sample to
// zero, of a share of its area and an aspect ratio (height by width) in Scale and Ratio.
type RandomErasing struct {
	P            float64
	Scale, Ratio [2]float64
}

// DefaultRandomErasing returns torchvision's defaults: half of the samples, 2 to 33 % of the area.
func DefaultRandomErasing() RandomErasing {
	return RandomErasing{P: 0.5, Scale: [2]float64{0.02, 0.33}, Ratio: [2]float64{0.3, 3.3}}
}

func (e RandomErasing) validate() error {
	switch {
	case !(e.P >= 0 && e.P <= 1):
		return fmt.Errorf("transforms: erasing with probability %v: want 0 to 1", e.P)
	case e.P > 0 && !(e.Scale[0] >= 0 && e.Scale[0] <= e.Scale[1] && e.Scale[1] <= 1):
		return fmt.Errorf("transforms: erasing %v of the area: want a range from 0 to 1", e.Scale)
	case e.P > 0 && !(e.Ratio[0] > 0 && e.Ratio[0] <= e.Ratio[1] && e.Ratio[1] <= maxRatio):
		return fmt.Errorf("transforms: erasing aspect ratios %v: want a range above 0, to %v at most", e.Ratio, maxRatio)
	}
	return nil
}

// Erase sets a rectangle to zero in a sample of 3×H×W floats; width is W.
func Erase(sample []float32, width int, r image.Rectangle) {
	for plane := range 3 {
		rows := sample[plane*len(sample)/3:]
		for y := r.Min.Y; y < r.Max.Y; y++ {
			clear(rows[y*width+r.Min.X : y*width+r.Max.X])
		}
	}
}

// EraseChannelsLast is Erase for a sample of H×W×3 floats.
func EraseChannelsLast(sample []float32, width int, r image.Rectangle) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		clear(sample[3*(y*width+r.Min.X) : 3*(y*width+r.Max.X)])
	}
}

// draw returns the rectangle to erase in a sample of size×size pixels; empty for none.
func (e RandomErasing) draw(rng Source, size int) image.Rectangle {
	if e.P == 0 || !(mt19937.Float32(rng) < float32(e.P)) {
		return image.Rectangle{}
	}
	area := float64(size * size)
	for range cropTries {
		erased := float64(area * float64(mt19937.Uniform(rng, float32(e.Scale[0]), float32(e.Scale[1]))))
		aspect := float64(float32(math.Exp(float64(mt19937.Uniform(rng, logFloat32(e.Ratio[0]), logFloat32(e.Ratio[1]))))))
		h := int(math.RoundToEven(math.Sqrt(float64(erased * aspect))))
		w := int(math.RoundToEven(math.Sqrt(erased / aspect)))
		if h < size && w < size {
			top := mt19937.IntN(rng, size-h+1)
			left := mt19937.IntN(rng, size-w+1)
			return image.Rect(left, top, left+w, top+h)
		}
	}
	return image.Rectangle{}
}
