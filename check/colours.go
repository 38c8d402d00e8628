package check

import "math"

// view holds the details of a file that are compared.
type view struct {
	luma    plane
	colours [3]plane
}

// newView returns the view of n×n colours.
func newView(colours [][3]uint8, n int) view {
	v := view{luma: newPlane(lumas(colours), n)}
	values := make([]uint8, len(colours))
	for channel := range v.colours {
		for i, c := range colours {
			values[i] = c[channel]
		}
		v.colours[channel] = newPlane(values, n)
	}
	return v
}

// colourCells is the side of the cells in which colours are compared.
const colourCells = 12

// difference returns the root of the mean squared difference of colours between all of v and a part of another, in grey
// levels.
func (v view) difference(other view, part box) float64 {
	const n = colourCells * colourCells
	var a, b [n]float64
	var corners [(colourCells + 1) * (colourCells + 1)]float64
	var sum float64
	for channel := range v.colours {
		v.colours[channel].cells(a[:], corners[:], whole, colourCells)
		other.colours[channel].cells(b[:], corners[:], part, colourCells)
		for i := range a {
			// float64(…): without it, arm64 fuses the product with the sum.
			sum += float64((a[i] - b[i]) * (a[i] - b[i]))
		}
	}
	return math.Sqrt(sum / (3 * n))
}
