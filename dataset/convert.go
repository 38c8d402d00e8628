package dataset

import (
	"fmt"
	"image"
	"image/color"

	"hymenoptera/transforms"
)

// convert sets dst to the colours of a decoded picture as Pillow's convert("RGB") does: transparency is
// dropped, not blended; of 16-bit colours the upper byte counts; 16-bit grey is clipped to 255.
func convert(dst *transforms.Image, src image.Image) error {
	b := src.Bounds()
	w, h := b.Dx(), b.Dy()
	dst.Reset(w, h)
	switch m := src.(type) {
	case *image.Gray:
		for y := range h {
			for x, v := range m.Pix[y*m.Stride:][:w] {
				dst.Set(x, y, v, v, v)
			}
		}
	case *image.Gray16:
		for y := range h {
			row := m.Pix[y*m.Stride:]
			for x := range w {
				v := clip16(row[2*x], row[2*x+1])
				dst.Set(x, y, v, v, v)
			}
		}
	case *image.RGBA:
		convertBytes(dst, m.Pix, m.Stride, 1)
	case *image.NRGBA:
		convertBytes(dst, m.Pix, m.Stride, 1)
	case *image.RGBA64:
		convertBytes(dst, m.Pix, m.Stride, 2)
	case *image.NRGBA64:
		convertBytes(dst, m.Pix, m.Stride, 2)
	case *image.Paletted:
		palette := straight(m.Palette)
		for y := range h {
			for x, v := range m.Pix[y*m.Stride:][:w] {
				c := palette[v]
				dst.Set(x, y, c[0], c[1], c[2])
			}
		}
	default:
		return fmt.Errorf("no conversion from %T to RGB", src)
	}
	return nil
}

// convertBytes copies pixels of four samples, each of size big-endian bytes.
func convertBytes(dst *transforms.Image, pix []byte, stride, size int) {
	for y := range dst.Height {
		row := pix[y*stride:]
		for x := range dst.Width {
			p := row[4*size*x:]
			dst.Set(x, y, p[0], p[size], p[2*size])
		}
	}
}

// clip16 converts a 16-bit grey value to 8 bits: Pillow does not scale it.
func clip16(hi, lo byte) byte {
	if hi != 0 {
		return 255
	}
	return lo
}

// straight returns the colours of a palette without transparency; what it lacks is black.
func straight(p color.Palette) (rgb [256][3]byte) {
	for i, c := range p {
		switch c := c.(type) {
		case color.RGBA:
			rgb[i] = [3]byte{c.R, c.G, c.B}
		case color.NRGBA:
			rgb[i] = [3]byte{c.R, c.G, c.B}
		default:
			r, g, b, _ := c.RGBA()
			rgb[i] = [3]byte{byte(r >> 8), byte(g >> 8), byte(b >> 8)}
		}
	}
	return rgb
}
