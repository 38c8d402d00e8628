package synth

import (
	"image/color"
	"math"
)

// background fills the picture with a mottled gradient and some clutter: leaves, petals, pebbles.
func background(c *canvas) {
	w, h := c.img.Rect.Dx(), c.img.Rect.Dy()
	hue, sat, val := c.between(0.05, 0.45), c.between(0.1, 0.6), c.between(0.35, 0.9)
	if c.IntN(4) == 0 {
		hue = c.Float64()
	}
	tilt, slope := 2*math.Pi*c.Float64(), c.between(0, 0.3)
	sin, cos := math.Sincos(tilt)
	coarse, grain := c.between(0.02, 0.12), c.between(0, 0.06)
	// float64(…): without it, arm64 fuses the product with the sum.
	fx, fy, phase := c.between(3, 14), c.between(3, 14), float64(c.Float64()*6)
	for y := range h {
		for x := range w {
			u, v := float64(x)/float64(w)-0.5, float64(y)/float64(h)-0.5
			fold := float64(float64(fx*u)*2) + phase + float64(2*math.Sin(float64(fy*v)*2))
			shade := float64(slope*(float64(u*cos)+float64(v*sin))) + float64(coarse*math.Sin(fold)) + float64(grain*c.spread())
			p := hsv(hue+float64(0.1*shade), sat, val+shade, 1)
			c.img.SetRGBA(x, y, color.RGBA{p.R, p.G, p.B, 255})
		}
	}
	aspectX, aspectY := float64(w)/c.short(), float64(h)/c.short()
	for range c.IntN(9) {
		col := hsv(c.between(0, 0.45), c.between(0.1, 0.8), c.between(0.15, 0.95), c.between(0.4, 1))
		x, y, r := c.between(0, aspectX), c.between(0, aspectY), c.between(0.03, 0.16)
		c.ellipse(col, x, y, r, r*c.between(0.3, 1), c.Float64()*math.Pi)
	}
	for range c.IntN(3) {
		flower(c, c.between(0, aspectX), c.between(0, aspectY), c.between(0.06, 0.16))
	}
}

// flower draws a ring of petals.
func flower(c *canvas, x, y, r float64) {
	col := hsv(c.Float64(), c.between(0.1, 0.8), c.between(0.6, 1), c.between(0.6, 1))
	petals := 5 + c.IntN(5)
	for i := range petals {
		a := 2 * math.Pi * float64(i) / float64(petals)
		sin, cos := math.Sincos(a)
		c.ellipse(col, x+float64(r*cos), y+float64(r*sin), r*0.7, r*0.35, a)
	}
	c.ellipse(hsv(c.between(0.08, 0.16), 0.8, c.between(0.4, 0.9), 1), x, y, r*0.5, r*0.5, 0)
}

// blade draws a stalk of grass across the picture, in front of everything.
func blade(c *canvas) {
	aspectX, aspectY := float64(c.img.Rect.Dx())/c.short(), float64(c.img.Rect.Dy())/c.short()
	col := hsv(c.between(0.15, 0.4), c.between(0.2, 0.7), c.between(0.2, 0.8), c.between(0.6, 1))
	from, to := [2]float64{c.between(0, aspectX), 0}, [2]float64{c.between(0, aspectX), aspectY}
	if c.IntN(2) == 0 {
		from, to = [2]float64{0, c.between(0, aspectY)}, [2]float64{aspectX, c.between(0, aspectY)}
	}
	c.line(col, c.between(0.008, 0.03), from, to)
}
