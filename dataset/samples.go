package dataset

import (
	"encoding/binary"
	"math"
	"math/bits"

	"hymenoptera/transforms"
)

// A colorModel says which colours the samples of a pixel are.
type colorModel int

const (
	grey colorModel = iota
	greyInverted
	colors // red, green, blue
	indexed
	inks  // cyan, magenta, yellow, black
	luma  // Y, Cb, Cr
	naked // one sample that Pillow clips to 0 and 255 rather than scales
)

// A sampling describes the bytes of a row, like Pillow's raw mode. Samples after those of the model are ignored, as
// Pillow's convert("RGB") ignores alpha.
type sampling struct {
	model    colorModel
	bits     int  // per sample: 1, 2, 4, 8, 12, 16 or 32
	samples  int  // per pixel
	big      bool // the highest byte of a sample comes first
	reversed bool // the lowest bit of a byte comes first
	signed   bool
	float    bool
	multiply bool // colours are multiplied by the next sample, alpha
	palette  *[256][3]byte
}

// size returns the number of bytes for n pixels.
func (s *sampling) size(n int) int { return (n*s.bits*s.samples + 7) / 8 }

// row converts n pixels of src to R, G, B and an unused byte.
func (s *sampling) row(dst, src []byte, n int) {
	if s.bits == 8 && !s.reversed && !s.multiply {
		switch s.model {
		case grey:
			for i := range n {
				v := src[i*s.samples]
				dst[4*i], dst[4*i+1], dst[4*i+2] = v, v, v
			}
			return
		case colors:
			for i := range n {
				copy(dst[4*i:4*i+3], src[i*s.samples:])
			}
			return
		}
	}
	for i := range n {
		c := s.pixel(src, i)
		dst[4*i], dst[4*i+1], dst[4*i+2] = c[0], c[1], c[2]
	}
}

// pixel returns the colour of pixel i of a row.
func (s *sampling) pixel(src []byte, i int) [3]byte {
	first := i * s.samples
	switch s.model {
	case indexed:
		return s.palette[s.raw(src, first)]
	case naked:
		return triple(s.clip(src, first))
	case grey:
		return triple(s.scaled(src, first))
	case greyInverted:
		return triple(255 - s.scaled(src, first))
	case inks:
		return fromInks(s.scaled(src, first), s.scaled(src, first+1), s.scaled(src, first+2), s.scaled(src, first+3))
	}
	c := [3]byte{s.scaled(src, first), s.scaled(src, first+1), s.scaled(src, first+2)}
	if s.model == luma {
		return fromLuma(c[0], c[1], c[2])
	}
	if s.multiply {
		return unmultiplied(c, s.scaled(src, first+3))
	}
	return c
}

// blank gives every pixel the colour of zero bytes, for parts that the file lacks.
func (s *sampling) blank(dst *transforms.Image) {
	zero := sampling{model: s.model, bits: 8, samples: 4, palette: s.palette}
	if zero.model == greyInverted || zero.model == naked {
		zero.model = grey
	}
	c := zero.pixel(make([]byte, 4), 0)
	dst.Fill(c[0], c[1], c[2])
}

// raw returns a sample of at most 8 bits, unchanged.
func (s *sampling) raw(src []byte, sample int) byte {
	bit := sample * s.bits
	b := src[bit/8]
	if s.reversed {
		b = bits.Reverse8(b)
	}
	return b >> (8 - s.bits - bit%8) & (1<<s.bits - 1)
}

// scaled returns a sample as eight bits, the highest eight of a longer one.
func (s *sampling) scaled(src []byte, sample int) byte {
	switch {
	case s.bits < 8:
		return s.raw(src, sample) * (255 / (1<<s.bits - 1))
	case s.bits == 16 && s.big:
		return src[2*sample]
	case s.bits == 16:
		return src[2*sample+1]
	}
	return s.raw(src, sample)
}

// clip returns a sample of more than eight bits as Pillow converts it to RGB: not scaled, but clipped to 0 and 255.
func (s *sampling) clip(src []byte, sample int) byte {
	var order binary.ByteOrder = binary.LittleEndian
	if s.big {
		order = binary.BigEndian
	}
	var v int64
	switch s.bits {
	case 12: // two samples in three bytes
		p := src[sample/2*3:]
		if v = int64(p[0])<<4 | int64(p[1])>>4; sample%2 == 1 {
			v = int64(p[1]&15)<<8 | int64(p[2])
		}
	case 16:
		u := order.Uint16(src[2*sample:])
		if s.reversed {
			u = bits.ReverseBytes16(bits.Reverse16(u))
		}
		if v = int64(u); s.signed {
			v = int64(int16(u))
		}
	default:
		u := order.Uint32(src[4*sample:])
		if v = int64(int32(u)); s.float {
			f := math.Float32frombits(u)
			if !(f > 0) { // NaN too
				return 0
			}
			v = int64(min(f, 255))
		}
	}
	return byte(min(max(v, 0), 255))
}

func triple(v byte) [3]byte { return [3]byte{v, v, v} }

// unmultiplied divides a colour by its alpha as Pillow does for the raw mode RGBa.
func unmultiplied(c [3]byte, alpha byte) [3]byte {
	if alpha == 0 {
		return [3]byte{}
	}
	for i, v := range c {
		c[i] = byte(min(255, int(v)*255/int(alpha)))
	}
	return c
}

// fromInks converts CMYK, where 0 means no ink, as Pillow does.
func fromInks(c, m, y, k byte) (rgb [3]byte) {
	light := 255 - int(k)
	for i, ink := range [3]byte{c, m, y} {
		t := int(ink)*light + 128
		rgb[i] = byte(max(0, light-(t>>8+t)>>8))
	}
	return rgb
}

// fromLuma converts YCbCr of full range as Pillow does (ConvertYCbCr.c): with six bits after the point.
func fromLuma(y, cb, cr byte) [3]byte {
	fix := func(factor float64, v byte) int {
		return int(float64(factor*(float64(v)-128)*64) + 0.5) // as its tables are rounded
	}
	clamp := func(v int) byte { return byte(min(max(v, 0), 255)) }
	return [3]byte{
		clamp(int(y) + fix(1.40200, cr)>>6),
		clamp(int(y) + (fix(-0.34414, cb)+fix(-0.71414, cr))>>6),
		clamp(int(y) + fix(1.77200, cb)>>6),
	}
}
