package synth

import (
	"image/color"
	"math"
)

// Both insects lie along the x axis, the head at positive x.

// ant draws a narrow waist, a bare body of one dark colour and elbowed antennae.
func ant(c *canvas) {
	hue, sat, val := c.between(-0.02, 0.08), c.between(0.2, 0.9), c.between(0.08, 0.42)
	body := hsv(hue, sat, val, 1)
	shine := hsv(hue, sat*0.6, val+0.22, 0.7)
	legs(c, hsv(hue, sat, val*0.8, 1), 0.05, c.between(0.26, 0.36), c.between(0.014, 0.024))
	for _, side := range []float64{-1, 1} {
		elbow := [2]float64{c.between(0.40, 0.46), side * c.between(0.09, 0.13)}
		c.line(body, 0.016, [2]float64{0.33, side * 0.03}, elbow, [2]float64{elbow[0] + c.between(0.06, 0.14), side * c.between(0.04, 0.2)})
	}
	gaster := c.between(0.15, 0.2)
	c.ellipse(body, -0.3, 0, gaster, gaster*c.between(0.58, 0.72), 0)
	c.ellipse(body, -0.1, 0, 0.035, 0.03, 0) // the waist
	c.ellipse(body, 0.05, 0, 0.125, 0.062, 0)
	c.ellipse(body, 0.27, 0, 0.1, c.between(0.075, 0.095), 0)
	c.ellipse(shine, -0.32, -0.035, gaster*0.5, gaster*0.2, 0)
	c.ellipse(shine, 0.27, -0.03, 0.04, 0.015, 0)
}

// bee draws a stout, banded body, a furry thorax and two pairs of wings.
func bee(c *canvas) {
	hue, sat := c.between(0.07, 0.15), c.between(0.55, 0.95)
	light, dark := hsv(hue, sat, c.between(0.65, 0.95), 1), hsv(hue-0.03, c.between(0.3, 0.8), c.between(0.06, 0.2), 1)
	legs(c, dark, 0.08, c.between(0.16, 0.22), c.between(0.022, 0.032))

	const abdomen, half = -0.2, 0.25
	width := c.between(0.15, 0.19)
	c.ellipse(light, abdomen, 0, half, width, 0)
	bands := 3 + c.IntN(3)
	for i := range bands {
		x := -0.75 + 1.5*(float64(i)+0.4)/float64(bands) // from tail to waist, in half axes
		// float64(…): without it, arm64 fuses the product with the sum.
		y := width * math.Sqrt(1-float64(x*x))
		c.ellipse(dark, abdomen+float64(x*half), 0, half*0.55/float64(bands), y, 0)
	}
	thorax := hsv(hue, sat*0.8, c.between(0.25, 0.6), 1)
	for range 40 { // fur
		a := 2 * math.Pi * c.Float64()
		sin, cos := math.Sincos(a)
		c.line(thorax, 0.012, [2]float64{0.11 + float64(0.1*cos), 0.1 * sin}, [2]float64{0.11 + float64(0.155*cos), 0.15 * sin})
	}
	c.ellipse(thorax, 0.11, 0, 0.13, 0.125, 0)
	c.ellipse(dark, 0.28, 0, 0.085, 0.1, 0)
	for _, side := range []float64{-1, 1} {
		c.line(dark, 0.016, [2]float64{0.34, side * 0.03}, [2]float64{c.between(0.42, 0.48), side * c.between(0.05, 0.12)})
		glass := hsv(c.between(0.5, 0.65), 0.12, c.between(0.8, 0.98), c.between(0.4, 0.65))
		sweep := side * c.between(0.5, 1.0)
		wing(c, glass, 0.08, side*0.08, c.between(0.36, 0.44), 0.1, math.Pi-float64(sweep*1.2))
		wing(c, glass, 0.0, side*0.08, c.between(0.24, 0.3), 0.08, math.Pi-float64(sweep*0.75))
	}
}

// wing draws an ellipse that begins at (x, y) and reaches out by length at an angle.
func wing(c *canvas, col color.Color, x, y, length, width, angle float64) {
	sin, cos := math.Sincos(angle)
	if y < 0 != (sin < 0) {
		sin = -sin
		angle = -angle
	}
	c.ellipse(col, x+float64(length/2*cos), y+float64(length/2*sin), length/2, width, angle)
}

// legs draws three bent pairs around x.
func legs(c *canvas, col color.Color, x, reach, width float64) {
	for i, lean := range []float64{-0.9, -0.1, 0.8} {
		root := x + float64(0.06*float64(i-1))
		for _, side := range []float64{-1, 1} {
			l := lean + float64(0.25*c.spread())
			knee := [2]float64{root + float64(0.5*reach*l), side * reach * c.between(0.55, 0.75)}
			foot := [2]float64{root + float64(reach*l*1.3), side * reach * c.between(0.95, 1.2)}
			c.line(col, width, [2]float64{root, side * 0.04}, knee, foot)
		}
	}
}
