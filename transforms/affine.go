package transforms

import (
	"math"
	"strconv"
)

// A matrix [a b c d e f] gives the pixel at (x, y) of the new picture the value of the old one at (a·x+b·y+c, d·x+e·y+f),
// with pixel centres at 0.5, as in Pillow's Transform.AFFINE.
type matrix [6]float64

// affine moves the pixels of m by k, as Pillow's Image.transform does with nearest-neighbour interpolation. Pixels from
// outside the picture become black. k must not scale.
func affine(m *Image, k matrix) {
	from := m.Clone()
	clear(m.Pix)
	// 16 bits after the point, as in Pillow's affine_fixed. For moves by whole pixels, Pillow uses another method with the
	// same result.
	fix := func(v float64) int32 { return int32(math.Floor(float64(v*65536) + 0.5)) }
	a, b, d, e := fix(k[0]), fix(k[1]), fix(k[3]), fix(k[4])
	rowX := fix(float64(k[2]+float64(k[0]*0.5)) + float64(k[1]*0.5))
	rowY := fix(float64(k[5]+float64(k[3]*0.5)) + float64(k[4]*0.5))
	for y := range m.Height {
		atX, atY := rowX, rowY
		for x := range m.Width {
			if fx, fy := int(atX>>16), int(atY>>16); fx >= 0 && fx < m.Width && fy >= 0 && fy < m.Height {
				r, g, b := from.At(fx, fy)
				m.Set(x, y, r, g, b)
			}
			atX += a
			atY += d
		}
		rowX += b
		rowY += e
	}
}

// rotate turns m by an angle in degrees, counter-clockwise around its middle, as Pillow's Image.rotate does.
func rotate(m *Image, angle float64) {
	angle = math.Mod(angle, 360)
	if angle < 0 {
		angle += 360
	}
	w, h := float64(m.Width), float64(m.Height)
	switch {
	case angle == 0:
		return
	case angle == 180:
		affine(m, matrix{-1, 0, w, 0, -1, h})
		return
	case angle == 90 && w == h:
		affine(m, matrix{0, -1, w, 1, 0, 0})
		return
	case angle == 270 && w == h:
		affine(m, matrix{0, 1, 0, -1, 0, h})
		return
	}
	turn := -float64(angle * (math.Pi / 180))
	sin, cos := round15(math.Sin(turn)), round15(math.Cos(turn))
	k := matrix{cos, sin, 0, round15(-math.Sin(turn)), cos, 0}
	// float64(…): without it, arm64 fuses the product with the sum.
	cx, cy := float64(w/2), float64(h/2)
	k[2] = float64(float64(k[0]*-cx)+float64(k[1]*-cy)) + cx
	k[5] = float64(float64(k[3]*-cx)+float64(k[4]*-cy)) + cy
	affine(m, k)
}

// round15 is Python's round(v, 15).
func round15(v float64) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'f', 15, 64), 64)
	if err != nil {
		panic(err) // it has just been formatted
	}
	return r
}

// shear returns torchvision's matrix for a shear by a share of the height (x) or of the width (y), around the upper left
// corner.
func shear(x, y float64) matrix {
	radians := func(share float64) float64 {
		return float64(float64(math.Atan(share)*(180/math.Pi)) * (math.Pi / 180))
	}
	sx, sy := radians(x), radians(y)
	a := math.Cos(-sy) / math.Cos(sy)
	b := float64(-math.Cos(-sy)*math.Tan(sx)) / math.Cos(sy)
	c := math.Sin(-sy) / math.Cos(sy)
	d := float64(float64(-math.Sin(-sy)*math.Tan(sx))/math.Cos(sy)) + 1
	return matrix{d, -b, 0, -c, a, 0}
}

// translate returns the matrix that moves a picture by whole pixels to the right and down.
func translate(x, y int) matrix { return matrix{1, 0, float64(-x), 0, 1, float64(-y)} }
