package dataset

import (
	"errors"
	"fmt"
	"math"

	"hymenoptera/transforms"
)

var errPNMShort = errors.New("pnm: the file is truncated")

// A pnm reads a portable any map, P1 to P6 (Netpbm's ppm(5)), with Pillow's scaling.
type pnm struct {
	data          []byte // the rest of the file
	kind          byte   // '1' to '6'
	width, height int
	max           int // the largest sample value
}

// decodePNM decodes a file of the types P1 to P6.
func decodePNM(dst *transforms.Image, data []byte) error {
	p := pnm{data: data[2:], kind: data[1]}
	if err := p.header(); err != nil {
		return err
	}
	// Every sample takes at least a bit, so that a short file cannot ask for much memory.
	if len(p.data) < p.width*p.height/8 {
		return errPNMShort
	}
	dst.Reset(p.width, p.height)
	switch p.kind {
	case '1', '4':
		return p.bits(dst)
	case '2', '3':
		return p.samples(dst, p.plain)
	}
	return p.samples(dst, p.raw)
}

// header reads the size and the largest value.
func (p *pnm) header() (err error) {
	if len(p.data) == 0 || !isSpace(p.data[0]) {
		return errors.New("pnm: no space after the magic number")
	}
	p.data = p.data[1:]
	if p.width, err = p.token(); err != nil {
		return err
	}
	if p.height, err = p.token(); err != nil {
		return err
	}
	if p.kind != '1' && p.kind != '4' {
		if p.max, err = p.token(); err != nil {
			return err
		}
		if p.max < 1 || p.max > math.MaxUint16 {
			return fmt.Errorf("pnm: largest value %d: want 1 to 65535", p.max)
		}
	}
	if err := checkSize(p.width, p.height); err != nil {
		return fmt.Errorf("pnm: %w", err)
	}
	return nil
}

// token skips spaces and comments and reads a number and the one byte of space after it. As in Pillow, a
// comment does not end a number.
func (p *pnm) token() (value int, err error) {
	digits := 0
	for len(p.data) > 0 {
		c := p.data[0]
		p.data = p.data[1:]
		switch {
		case c == '#':
			p.skipComment()
		case isSpace(c):
			if digits > 0 {
				return value, nil
			}
		case c < '0' || c > '9':
			return 0, fmt.Errorf("pnm: %q in a number", c)
		default:
			if digits++; digits > 10 {
				return 0, errors.New("pnm: a number is too long")
			}
			value = 10*value + int(c-'0')
		}
	}
	if digits == 0 {
		return 0, errPNMShort
	}
	return value, nil
}

// skipComment skips the rest of a line.
func (p *pnm) skipComment() {
	for i, c := range p.data {
		if c == '\n' || c == '\r' {
			p.data = p.data[i+1:]
			return
		}
	}
	p.data = nil
}

// bits reads P1 and P4: 1 is black.
func (p *pnm) bits(dst *transforms.Image) error {
	stride := (p.width + 7) / 8
	if p.kind == '4' && len(p.data) < stride*p.height {
		return errPNMShort
	}
	for y := range p.height {
		for x := range p.width {
			bit := byte(0)
			if p.kind == '4' {
				bit = p.data[y*stride+x/8] >> (7 - x%8) & 1
			} else {
				c, err := p.digit()
				if err != nil {
					return err
				}
				bit = c - '0'
			}
			v := bit - 1 // 255 or 0
			dst.Set(x, y, v, v, v)
		}
	}
	if p.kind == '1' {
		return p.digitsOnly()
	}
	return nil
}

// digitsOnly checks the bytes after the last pixel of P1, because Pillow reads whole blocks and refuses bad ones.
func (p *pnm) digitsOnly() error {
	const block = 1 << 20
	p.data = p.data[:min(block, len(p.data))]
	for len(p.data) > 0 {
		if _, err := p.digit(); err != nil && err != errPNMShort {
			return err
		}
	}
	return nil
}

// digit reads a 0 or 1 of P1. There need not be spaces between them.
func (p *pnm) digit() (byte, error) {
	for len(p.data) > 0 {
		c := p.data[0]
		p.data = p.data[1:]
		switch {
		case c == '#':
			p.skipComment()
		case c == '0' || c == '1':
			return c, nil
		case !isSpace(c):
			return 0, fmt.Errorf("pnm: %q among zeros and ones", c)
		}
	}
	return 0, errPNMShort
}

// samples reads grey or colour samples.
func (p *pnm) samples(dst *transforms.Image, next func() (int, error)) error {
	grey := p.kind == '2' || p.kind == '5'
	for y := range p.height {
		for x := range p.width {
			var rgb [3]byte
			for c := range rgb {
				if grey && c > 0 {
					rgb[c] = rgb[0]
					continue
				}
				v, err := next()
				if err != nil {
					return err
				}
				rgb[c] = p.scale(v, grey)
			}
			dst.Set(x, y, rgb[0], rgb[1], rgb[2])
		}
	}
	return nil
}

// scale converts a sample to 8 bits as Pillow does: grey with more than 8 bits becomes 16-bit grey, which is
// then clipped.
func (p *pnm) scale(v int, grey bool) byte {
	out := 255.0
	if grey && p.max > 255 {
		out = 65535
	}
	scaled := math.RoundToEven(float64(float64(v) / float64(p.max) * out))
	return byte(min(scaled, 255))
}

// plain reads a sample of P2 and P3.
func (p *pnm) plain() (int, error) {
	v, err := p.token()
	if err == nil && v > p.max {
		err = fmt.Errorf("pnm: %d is more than the largest value %d", v, p.max)
	}
	return v, err
}

// raw reads a sample of P5 and P6.
func (p *pnm) raw() (int, error) {
	if p.max > 255 {
		if len(p.data) < 2 {
			return 0, errPNMShort
		}
		v := int(p.data[0])<<8 | int(p.data[1])
		p.data = p.data[2:]
		return v, nil
	}
	if len(p.data) < 1 {
		return 0, errPNMShort
	}
	v := int(p.data[0])
	p.data = p.data[1:]
	return v, nil
}

// isSpace reports whether c is white space in a header.
func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
