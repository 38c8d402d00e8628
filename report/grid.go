package report

import (
	"image"
	"image/color"

	"hymenoptera/transforms"
)

// The layout of torchvision.utils.make_grid as the notebook calls it.
const (
	gridColumns = 8
	gridPadding = 2 // pixels
)

// Grid lays out a batch N×3×H×W of normalised images as torchvision's make_grid does with its defaults, and undoes
// the normalisation as the notebook's imshow does: every pixel equals the one that matplotlib draws for np.clip(std*grid +
// mean, 0, 1). matplotlib cuts off fractions. The padding, 0 before that, has the mean's colour. A single image has no
// padding.
func Grid(batch []float32, h, w int, norm transforms.Transform) *image.RGBA {
	plane := h * w
	n := len(batch) / (3 * plane)
	if n == 1 {
		return Picture(batch, h, w, norm)
	}
	columns, rows := gridShape(n)
	img := image.NewRGBA(image.Rect(0, 0, columns*(w+gridPadding)+gridPadding, rows*(h+gridPadding)+gridPadding))
	u := newUnnormaliser(norm)
	fill(img, img.Rect, u.colour(0, 0, 0))
	for i := range n {
		x := i%columns*(w+gridPadding) + gridPadding
		y := i/columns*(h+gridPadding) + gridPadding
		place(img, x, y, batch[i*3*plane:(i+1)*3*plane], h, w, u)
	}
	return img
}

// gridShape returns the columns and rows of a grid of n images.
func gridShape(n int) (columns, rows int) {
	columns = min(n, gridColumns)
	return columns, (n + columns - 1) / columns
}

// Picture returns a normalised sample 3×H×W as the notebook's imshow shows it.
func Picture(sample []float32, h, w int, norm transforms.Transform) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	place(img, 0, 0, sample, h, w, newUnnormaliser(norm))
	return img
}

// place writes one sample into img, its top left corner at (x, y).
func place(img *image.RGBA, x, y int, sample []float32, h, w int, u unnormaliser) {
	plane := h * w
	r, g, b := sample[:plane], sample[plane:2*plane], sample[2*plane:3*plane]
	for i := range plane {
		img.SetRGBA(x+i%w, y+i/w, u.colour(r[i], g[i], b[i]))
	}
}

// An unnormaliser computes std*v + mean of a channel in float64, as Python's arrays do, clips it to [0, 1], multiplies it by
// 255 and cuts off the fraction.
type unnormaliser struct{ std, mean [3]float64 }

func newUnnormaliser(norm transforms.Transform) (u unnormaliser) {
	for c := range 3 {
		u.std[c], u.mean[c] = decimal(norm.Std[c]), decimal(norm.Mean[c])
	}
	return u
}

func (u *unnormaliser) colour(r, g, b float32) color.RGBA {
	return color.RGBA{u.channel(0, r), u.channel(1, g), u.channel(2, b), 255}
}

func (u *unnormaliser) channel(c int, v float32) uint8 {
	x := float64(u.std[c]*float64(v)) + u.mean[c]
	return uint8(min(max(x, 0), 1) * 255)
}
