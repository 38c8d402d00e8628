package transforms

import "math"

// The operations of Pillow's ImageEnhance and ImageOps. A factor of 1 changes nothing.

// blend mixes a degenerate value and a picture's as Pillow's Image.blend: 0 gives the first, 1 the second, and factors
// outside of that extrapolate.
func blend(degenerate, v byte, factor float32) byte {
	switch factor {
	case 0:
		return degenerate
	case 1:
		return v
	}
	mixed := float32(degenerate) + float32(factor*float32(int(v)-int(degenerate)))
	return byte(min(max(mixed, 0), 255))
}

// grey is Pillow's convert("L") of a colour.
func grey(r, g, b byte) byte {
	return byte((19595*uint32(r) + 38470*uint32(g) + 7471*uint32(b) + 0x8000) >> 16)
}

// brightness is ImageEnhance.Brightness: a blend with black.
func brightness(m *Image, factor float32) {
	mapPixels(m, func(r, g, b byte) (byte, byte, byte) {
		return blend(0, r, factor), blend(0, g, factor), blend(0, b, factor)
	})
}

// contrast is ImageEnhance.Contrast: a blend with the mean grey.
func contrast(m *Image, factor float32) {
	sum := 0
	for y := range m.Height {
		for x := range m.Width {
			sum += int(grey(m.At(x, y)))
		}
	}
	mean := byte(float64(sum)/float64(m.Width*m.Height) + 0.5)
	mapPixels(m, func(r, g, b byte) (byte, byte, byte) {
		return blend(mean, r, factor), blend(mean, g, factor), blend(mean, b, factor)
	})
}

// saturation is ImageEnhance.Color: a blend with the pixel's grey.
func saturation(m *Image, factor float32) {
	mapPixels(m, func(r, g, b byte) (byte, byte, byte) {
		l := grey(r, g, b)
		return blend(l, r, factor), blend(l, g, factor), blend(l, b, factor)
	})
}

// sharpness is ImageEnhance.Sharpness: a blend with ImageFilter.SMOOTH, which leaves the borders as they are.
func sharpness(m *Image, factor float32) {
	soft := m.Clone()
	const divisor = 13
	side, middle := float32(1)/divisor, float32(5)/divisor
	row := func(y, x, shift int, k float32) float32 {
		at := func(x int) float32 { return float32(byte(m.Pix[y*m.Stride+x/2] >> (x%2*32 + shift))) }
		return float32(float32(at(x-1)*side)+float32(at(x)*k)) + float32(at(x+1)*side)
	}
	var rgb [3]byte
	for y := 1; y < m.Height-1; y++ {
		for x := 1; x < m.Width-1; x++ {
			for c := range rgb {
				sum := float32(0.5)
				sum += row(y+1, x, 8*c, side)
				sum += row(y, x, 8*c, middle)
				sum += row(y-1, x, 8*c, side)
				rgb[c] = byte(min(sum, 255))
			}
			soft.Set(x, y, rgb[0], rgb[1], rgb[2])
		}
	}
	for y := range m.Height {
		for x := range m.Width {
			r, g, b := m.At(x, y)
			sr, sg, sb := soft.At(x, y)
			m.Set(x, y, blend(sr, r, factor), blend(sg, g, factor), blend(sb, b, factor))
		}
	}
}

// hue turns the hue by a share of the circle, -0.5 to 0.5, through Pillow's HSV.
func hue(m *Image, by float64) {
	turn := byte(int32(by * 255))
	mapPixels(m, func(r, g, b byte) (byte, byte, byte) {
		h, s, v := hsv(r, g, b)
		return rgb(h+turn, s, v)
	})
}

// hsv is Pillow's rgb2hsv_row, in single and double precision as there.
func hsv(r, g, b byte) (h, s, v byte) {
	most, least := max(r, g, b), min(r, g, b)
	if most == least {
		return 0, 0, most
	}
	span := float32(most - least)
	rc, gc, bc := float32(most-r)/span, float32(most-g)/span, float32(most-b)/span
	var turn float32
	switch most {
	case r:
		turn = bc - gc
	case g:
		turn = float32(2 + float64(rc) - float64(bc))
	default:
		turn = float32(4 + float64(gc) - float64(rc))
	}
	turn = float32(math.Mod(float64(turn)/6+1, 1))
	return byte(int(float64(turn) * 255)), byte(int(float64(span/float32(most)) * 255)), most
}

// rgb is Pillow's hsv2rgb.
func rgb(h, s, v byte) (r, g, b byte) {
	if s == 0 {
		return v, v, v
	}
	sixth := math.Floor(float64(float32(h)) * 6 / 255)
	f := float32(float64(float64(float32(h))*6/255) - sixth)
	fs := float32(float64(s) / 255)
	level := func(less float64) byte { return byte(math.Round(float64(float64(v) * (1 - less)))) }
	p, q, t := level(float64(fs)), level(float64(fs*f)), level(float64(float64(fs)*(1-float64(f))))
	switch int(sixth) % 6 {
	case 0:
		return v, t, p
	case 1:
		return q, v, p
	case 2:
		return p, v, t
	case 3:
		return p, q, v
	case 4:
		return t, p, v
	}
	return v, p, q
}

// posterize keeps the upper bits of every value, as ImageOps.posterize.
func posterize(m *Image, bits int) {
	mask := ^byte(1<<(8-bits) - 1)
	mapPixels(m, func(r, g, b byte) (byte, byte, byte) { return r & mask, g & mask, b & mask })
}

// solarize inverts values from threshold on, as ImageOps.solarize.
func solarize(m *Image, threshold float64) {
	invert := func(v byte) byte {
		if float64(v) >= threshold {
			return 255 - v
		}
		return v
	}
	mapPixels(m, func(r, g, b byte) (byte, byte, byte) { return invert(r), invert(g), invert(b) })
}

// autoContrast stretches every channel to 0 to 255, as ImageOps.autocontrast.
func autoContrast(m *Image) {
	var lut [3][256]byte
	for c, h := range histogram(m) {
		lo, hi := 0, 255
		for lo < 255 && h[lo] == 0 {
			lo++
		}
		for hi > 0 && h[hi] == 0 {
			hi--
		}
		scale := 255 / float64(hi-lo)
		// float64(…): without it, arm64 fuses the product with the sum.
		offset := float64(float64(-lo) * scale)
		for v := range 256 {
			lut[c][v] = byte(v)
			if hi > lo {
				lut[c][v] = byte(min(max(int(float64(float64(v)*scale)+offset), 0), 255))
			}
		}
	}
	look(m, &lut)
}

// equalize spreads every channel's values evenly, as ImageOps.equalize.
func equalize(m *Image) {
	var lut [3][256]byte
	for c, h := range histogram(m) {
		sum, last, kinds := 0, 0, 0
		for _, n := range h {
			if n > 0 {
				sum, last, kinds = sum+n, n, kinds+1
			}
		}
		step := (sum - last) / 255
		n := step / 2
		for v := range 256 {
			if kinds <= 1 || step == 0 {
				lut[c][v] = byte(v)
				continue
			}
			lut[c][v] = byte(min(n/step, 255))
			n += h[v]
		}
	}
	look(m, &lut)
}
