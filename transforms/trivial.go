package transforms

import (
	"math"

	"hymenoptera/internal/mt19937"
)

// TrivialAugmentWide is torchvision's TrivialAugmentWide: one of 14 changes, of a random one of 31 strengths
// (https://arxiv.org/abs/2103.10158).
type TrivialAugmentWide struct{}

// bins is the number of strengths.
const bins = 31

// A change is one of those from which TrivialAugmentWide draws.
type change struct {
	from, to float32 // its weakest and strongest magnitude; both 0 if it has none
	signed   bool    // half of the magnitudes are negative
	apply    func(m *Image, magnitude float64)
}

// changes are in torchvision's order, because the draw is an index into them.
var changes = []change{
	{apply: func(*Image, float64) {}}, // identity
	{0, 0.99, true, func(m *Image, v float64) { affine(m, shear(v, 0)) }},
	{0, 0.99, true, func(m *Image, v float64) { affine(m, shear(0, v)) }},
	{0, 32, true, func(m *Image, v float64) { affine(m, translate(int(v), 0)) }},
	{0, 32, true, func(m *Image, v float64) { affine(m, translate(0, int(v))) }},
	{0, 135, true, func(m *Image, v float64) { rotate(m, v) }},
	{0, 0.99, true, func(m *Image, v float64) { brightness(m, float32(1+v)) }},
	{0, 0.99, true, func(m *Image, v float64) { saturation(m, float32(1+v)) }},
	{0, 0.99, true, func(m *Image, v float64) { contrast(m, float32(1+v)) }},
	{0, 0.99, true, func(m *Image, v float64) { sharpness(m, float32(1+v)) }},
	{8, 2, false, func(m *Image, v float64) { posterize(m, int(v)) }},
	{255, 0, false, func(m *Image, v float64) { solarize(m, v) }},
	{apply: func(m *Image, _ float64) { autoContrast(m) }},
	{apply: func(m *Image, _ float64) { equalize(m) }},
}

// posterizing is the change whose magnitudes are whole numbers of bits.
const posterizing = 10

// Draw implements Augmentation.
func (TrivialAugmentWide) Draw(rng Source, _, _ int) func(*Image) {
	which := mt19937.IntN(rng, len(changes))
	c := changes[which]
	magnitude := 0.0
	if c.from != c.to {
		bin := mt19937.IntN(rng, bins)
		magnitude = float64(linspace(c.from, c.to, bin))
		if which == posterizing {
			magnitude = 8 - math.RoundToEven(float64(float32(bin)/5))
		}
	}
	if c.signed && mt19937.IntN(rng, 2) == 1 {
		magnitude = -magnitude
	}
	return func(m *Image) { c.apply(m, magnitude) }
}

// linspace returns element i of torch.linspace(from, to, bins): the second half is counted from the end, and product and sum
// are rounded once.
func linspace(from, to float32, i int) float32 {
	step := (to - from) / (bins - 1)
	if i < bins/2 {
		return mt19937.FMA(step, float32(i), from)
	}
	return mt19937.FMA(-step, float32(bins-1-i), to)
}
