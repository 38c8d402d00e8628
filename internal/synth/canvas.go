package synth

import (
	"image"
	"image/color"
	"math"
	"math/rand/v2"

	"golang.org/x/image/vector"
)

// A canvas draws antialiased shapes in coordinates of its own: after pose, one unit is about the length of
// an insect and the origin is its middle; after identity, the unit is the picture's short side.
type canvas struct {
	*rand.Rand
	img             *image.RGBA
	raster          *vector.Rasterizer
	cx, cy          float64 // origin, in pixels
	scale, cos, sin float64
}

func newCanvas(w, h int, r *rand.Rand) *canvas {
	c := &canvas{Rand: r, img: image.NewRGBA(image.Rect(0, 0, w, h)), raster: vector.NewRasterizer(w, h)}
	c.identity()
	return c
}

func (c *canvas) short() float64 { return float64(min(c.img.Rect.Dx(), c.img.Rect.Dy())) }

// identity puts the origin into the top left corner.
func (c *canvas) identity() { c.cx, c.cy, c.scale, c.cos, c.sin = 0, 0, c.short(), 1, 0 }

// pose puts the origin at a fraction of the picture's width and height, turned by any angle.
func (c *canvas) pose(x, y, size float64) {
	c.cx, c.cy = x*float64(c.img.Rect.Dx()), y*float64(c.img.Rect.Dy())
	c.scale = size * c.short()
	c.sin, c.cos = math.Sincos(2 * math.Pi * c.Float64())
}

// between returns a random number from low to high.
// float64(…): without it, arm64 fuses the product with the sum.
func (c *canvas) between(low, high float64) float64 { return low + float64((high-low)*c.Float64()) }

// spread returns a random number around 0, mostly within ±1.
func (c *canvas) spread() float64 { return c.NormFloat64() / 2 }

func (c *canvas) point(x, y float64) (float32, float32) {
	u, v := float64(x*c.cos)-float64(y*c.sin), float64(x*c.sin)+float64(y*c.cos)
	return float32(c.cx + float64(c.scale*u)), float32(c.cy + float64(c.scale*v))
}

// polygon fills the outline through the given points.
func (c *canvas) polygon(col color.Color, points [][2]float64) {
	c.raster.Reset(c.img.Rect.Dx(), c.img.Rect.Dy())
	for i, p := range points {
		x, y := c.point(p[0], p[1])
		if i == 0 {
			c.raster.MoveTo(x, y)
		} else {
			c.raster.LineTo(x, y)
		}
	}
	c.raster.ClosePath()
	c.raster.Draw(c.img, c.img.Rect, image.NewUniform(col), image.Point{})
}

// ellipse fills an ellipse around (x, y) with half axes rx and ry, turned by angle.
func (c *canvas) ellipse(col color.Color, x, y, rx, ry, angle float64) {
	const corners = 28
	points := make([][2]float64, corners)
	sin, cos := math.Sincos(angle)
	for i := range points {
		b, a := math.Sincos(2 * math.Pi * float64(i) / corners)
		points[i] = [2]float64{x + float64(rx*a*cos) - float64(ry*b*sin), y + float64(rx*a*sin) + float64(ry*b*cos)}
	}
	c.polygon(col, points)
}

// line draws a polyline of the given width.
func (c *canvas) line(col color.Color, width float64, points ...[2]float64) {
	for i := 1; i < len(points); i++ {
		p, q := points[i-1], points[i]
		dx, dy := q[0]-p[0], q[1]-p[1]
		n := math.Hypot(dx, dy)
		if n == 0 {
			continue
		}
		dx, dy = float64(dx/n*width/2), float64(dy/n*width/2)
		c.polygon(col, [][2]float64{{p[0] - dy, p[1] + dx}, {q[0] - dy, q[1] + dx}, {q[0] + dy, q[1] - dx}, {p[0] + dy, p[1] - dx}})
	}
}

// hsv returns an opaque colour; alpha below 1 makes it translucent. h in turns, s and v from 0 to 1.
func hsv(h, s, v, alpha float64) color.NRGBA {
	h -= math.Floor(h)
	s, v = min(max(s, 0), 1), min(max(v, 0), 1)
	channel := func(n float64) uint8 {
		k := math.Mod(n+float64(h*6), 6)
		return uint8(math.Round(255 * (v - float64(v*s*max(0, min(k, 4-k, 1))))))
	}
	return color.NRGBA{channel(5), channel(3), channel(1), uint8(math.Round(255 * alpha))}
}
