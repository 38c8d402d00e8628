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

// Grid lays a batch N×3×H×W of normalised images out as torchvision's make_grid does, with its defaults, and
// undoes the normalisation as the notebook's imshow does: every pixel is what matplotlib shows of
// np.clip(std*grid + mean, 0, 1), which cuts fractions off. The padding, 0 before that, has the mean's
// colour. A single image comes back without padding.
func Grid(batch []float32, h, w int, norm transforms.Transform) *image.RGBA {
	plane := h * w
	n := len(batch) / (3 * plane)
	if n == 1 {
		return Picture(batch, h, w, norm)
	}
	columns, rows := gridShape(n)
	img := image.NewRGBA(image.Rect(0, 0, columns*(w+gridPadding)+gridPadding, rows*(h+gridPadding)+gridPadding))
	fill(img, img.Rect, unnormalise(norm, 0, 0, 0))
	for i := range n {
		x := i%columns*(w+gridPadding) + gridPadding
		y := i/columns*(h+gridPadding) + gridPadding
		place(img, x, y, batch[i*3*plane:(i+1)*3*plane], h, w, norm)
	}
	return img
}

// gridShape returns the columns and rows of a grid of n images.
func gridShape(n int) (columns, rows int) {
	columns = min(n, gridColumns)
	return columns, (n + columns - 1) / columns
}

// Picture returns one normalised sample 3×H×W as the notebook's imshow shows it.
func Picture(sample []float32, h, w int, norm transforms.Transform) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	place(img, 0, 0, sample, h, w, norm)
	return img
}

// place writes one sample into img, its top left corner at (x, y).
func place(img *image.RGBA, x, y int, sample []float32, h, w int, norm transforms.Transform) {
	plane := h * w
	for i := range plane {
		img.SetRGBA(x+i%w, y+i/w, unnormalise(norm, sample[i], sample[plane+i], sample[2*plane+i]))
	}
}

// unnormalise returns the colour of three channel values: std*v + mean in float64, where Python's arrays
// take them, clipped to [0, 1] and times 255, the fraction cut off.
func unnormalise(norm transforms.Transform, r, g, b float32) color.RGBA {
	return color.RGBA{channel(norm, 0, r), channel(norm, 1, g), channel(norm, 2, b), 255}
}

func channel(norm transforms.Transform, c int, v float32) uint8 {
	x := decimal(norm.Std[c])*float64(v) + decimal(norm.Mean[c])
	return uint8(min(max(x, 0), 1) * 255)
}
