package transforms

import "hymenoptera/internal/mt19937"

// ColorJitter is torchvision's ColorJitter: it changes brightness, contrast, saturation and hue, in random order.
// Each of the first three is a factor from 1-v (at least 0) to 1+v, the hue a turn from -v to v of the circle, at
// most 0.5. A 0 leaves out the change and its draw.
type ColorJitter struct{ Brightness, Contrast, Saturation, Hue float64 }

// Draw implements Augmentation.
func (j ColorJitter) Draw(rng Source, _, _ int) func(*Image) {
	order := make([]int, 4)
	mt19937.Perm(rng, order)
	factor := func(v float64) float32 {
		if v == 0 {
			return 1
		}
		return mt19937.Uniform(rng, float32(max(1-v, 0)), float32(1+v))
	}
	b, c, s := factor(j.Brightness), factor(j.Contrast), factor(j.Saturation)
	var turn float32
	if j.Hue != 0 {
		turn = mt19937.Uniform(rng, float32(-j.Hue), float32(j.Hue))
	}
	return func(m *Image) {
		for _, step := range order {
			switch {
			case step == 0 && j.Brightness != 0:
				brightness(m, b)
			case step == 1 && j.Contrast != 0:
				contrast(m, c)
			case step == 2 && j.Saturation != 0:
				saturation(m, s)
			case step == 3 && j.Hue != 0:
				hue(m, float64(turn))
			}
		}
	}
}

// RandomRotation is torchvision's RandomRotation(Degrees): it turns the picture by -Degrees to Degrees around its
// centre, with nearest-neighbour interpolation and black corners.
type RandomRotation struct{ Degrees float64 }

// Draw implements Augmentation.
func (r RandomRotation) Draw(rng Source, _, _ int) func(*Image) {
	angle := float64(mt19937.Uniform(rng, float32(-r.Degrees), float32(r.Degrees)))
	return func(m *Image) { rotate(m, angle) }
}
