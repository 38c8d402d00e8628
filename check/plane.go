package check

import (
	"math"

	"hymenoptera/transforms"
)

// A box is a part of a picture, in shares of its width and height.
type box struct{ x0, y0, x1, y1 float64 }

// whole is all of a picture.
var whole = box{0, 0, 1, 1}

// shrink returns the mean colours of w×h equal parts of a picture, row by row.
func shrink(m *transforms.Image, w, h int) [][3]uint8 {
	out := make([][3]uint8, w*h)
	pix, stride := m.Bytes(), 8*m.Stride
	for y := range h {
		top, bottom := part(y, h, m.Height)
		for x := range w {
			left, right := part(x, w, m.Width)
			var r, g, b int
			for v := top; v < bottom; v++ {
				row := pix[v*stride+4*left : v*stride+4*right]
				for i := 0; i+3 < len(row); i += 4 {
					r, g, b = r+int(row[i]), g+int(row[i+1]), b+int(row[i+2])
				}
			}
			n := (right - left) * (bottom - top)
			out[y*w+x] = [3]uint8{uint8((r + n/2) / n), uint8((g + n/2) / n), uint8((b + n/2) / n)}
		}
	}
	return out
}

// part returns the pixels of the i-th of n parts of a side: at least one.
func part(i, n, pixels int) (from, to int) {
	from = min(i*pixels/n, pixels-1)
	return from, max(from+1, (i+1)*pixels/n)
}

// luma returns the brightness of a colour, 0 to 255.
func luma(c [3]uint8) uint8 {
	return uint8((299*int(c[0]) + 587*int(c[1]) + 114*int(c[2]) + 500) / 1000)
}

// lumas returns the brightness of each colour.
func lumas(colours [][3]uint8) []uint8 {
	out := make([]uint8, len(colours))
	for i, c := range colours {
		out[i] = luma(c)
	}
	return out
}

// A plane holds the brightness of a picture stretched to n×n cells, as sums from its top left corner, so that the mean of
// any part takes the same time.
type plane struct {
	n   int
	sum []float64 // (n+1)×(n+1)
}

// newPlane returns the plane of n×n values.
func newPlane(values []uint8, n int) plane {
	p := plane{n, make([]float64, (n+1)*(n+1))}
	for y := range n {
		row := 0.0
		for x := range n {
			row += float64(values[y*n+x])
			p.sum[(y+1)*(n+1)+x+1] = p.sum[y*(n+1)+x+1] + row
		}
	}
	return p
}

// cells sets dst to the mean values of k×k equal parts of b, row by row. corners is memory for (k+1)×(k+1) numbers.
func (p plane) cells(dst, corners []float64, b box, k int) {
	n, m := float64(p.n), p.n+1
	dx, dy := (b.x1-b.x0)*n/float64(k), (b.y1-b.y0)*n/float64(k)
	for y := range k + 1 {
		// float64(…): without it, arm64 fuses the product with the sum.
		v := min(max(float64(b.y0*n)+float64(float64(y)*dy), 0), n)
		i := min(int(v), p.n-1)
		f := v - float64(i)
		upper, lower := p.sum[i*m:(i+1)*m], p.sum[(i+1)*m:(i+2)*m]
		for x := range k + 1 {
			u := min(max(float64(b.x0*n)+float64(float64(x)*dx), 0), n)
			j := min(int(u), p.n-1)
			g := u - float64(j)
			high, low := float64((1-g)*upper[j])+float64(g*upper[j+1]), float64((1-g)*lower[j])+float64(g*lower[j+1])
			corners[y*(k+1)+x] = float64((1-f)*high) + float64(f*low)
		}
	}
	scale := 1 / (dx * dy)
	for y := range k {
		a, b := corners[y*(k+1):(y+1)*(k+1)], corners[(y+1)*(k+1):(y+2)*(k+1)]
		for x := range k {
			dst[y*k+x] = (b[x+1] - b[x] - a[x+1] + a[x]) * scale
		}
	}
}

// correlation returns Pearson's correlation of two lists of numbers; 0 if one of them is constant.
func correlation(a, b []float64) float64 {
	var sa, sb, saa, sbb, sab float64
	for i, x := range a {
		y := b[i]
		sa, sb, saa, sbb, sab = sa+x, sb+y, saa+float64(x*x), sbb+float64(y*y), sab+float64(x*y)
	}
	n := float64(len(a))
	va, vb := saa-sa*sa/n, sbb-sb*sb/n
	if va < n || vb < n { // a deviation below one grey level is noise
		return 0
	}
	return (sab - sa*sb/n) / math.Sqrt(va*vb)
}
