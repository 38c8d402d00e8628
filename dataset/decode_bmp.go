package dataset

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"

	"hymenoptera/transforms"
)

var errBMPShort = errors.New("bmp: the file is truncated")

// The compressions of BMP files that decodeBMP reads: see BITMAPINFOHEADER.
const (
	bmpRaw    = 0
	bmpRLE8   = 1
	bmpRLE4   = 2
	bmpFields = 3
)

const bmpFileHeader = 14 // bytes before the bitmap's own header

// A bmp is the header of a bitmap, read as Pillow reads it, and its pixels.
type bmp struct {
	width, height int
	down          bool // rows from the top down
	depth         int  // bits per pixel
	compression   int
	masks         [4]uint32 // red, green, blue, alpha, of 16- and 32-bit pixels
	sampling      sampling  // of depths up to 8
	pixels        []byte    // to the end of the file
	size          int       // of the file
}

// decodeBMP decodes a BMP file: 1, 4, 8, 16, 24 or 32 bits, with or without run lengths.
func decodeBMP(dst *transforms.Image, data []byte) error {
	b, err := readBMP(data)
	if err != nil {
		return err
	}
	if b.compression == bmpRLE4 || b.compression == bmpRLE8 {
		dst.Reset(b.width, b.height)
		return b.runs(dst)
	}
	stride := (b.width*b.depth + 31) / 32 * 4
	row := (b.width*b.depth + 7) / 8
	if b.depth <= 8 {
		row = b.sampling.size(b.width)
	}
	if row > stride {
		return fmt.Errorf("bmp: a palette of grey values with %d bits per pixel is not supported: convert it to PNG", b.depth)
	}
	// The last row needs no padding after it.
	if len(b.pixels) < stride*(b.height-1)+row {
		return errBMPShort
	}
	dst.Reset(b.width, b.height)
	for y := range b.height {
		src := b.pixels[b.row(y)*stride:]
		if b.depth <= 8 {
			b.sampling.row(dst.Bytes()[8*dst.Stride*y:], src, b.width)
			continue
		}
		for x := range b.width {
			c := b.pixel(src, x)
			dst.Set(x, y, c[0], c[1], c[2])
		}
	}
	return nil
}

// row returns which row of the file is row y of the picture.
func (b *bmp) row(y int) int {
	if b.down {
		return y
	}
	return b.height - 1 - y
}

// readBMP reads the headers.
func readBMP(data []byte) (*bmp, error) {
	le := binary.LittleEndian
	if len(data) < bmpFileHeader+12 {
		return nil, errBMPShort
	}
	offset, size := int(le.Uint32(data[10:])), int(le.Uint32(data[14:]))
	if !slices.Contains([]int{12, 40, 52, 56, 64, 108, 124}, size) {
		return nil, fmt.Errorf("bmp: header of %d bytes", size)
	}
	end := bmpFileHeader + size
	if len(data) < end {
		return nil, errBMPShort
	}
	h, b := data[bmpFileHeader:end], &bmp{size: len(data)}
	colors, entry := 0, 4
	if size == 12 {
		b.width, b.height = int(le.Uint16(h[4:])), int(le.Uint16(h[6:]))
		b.depth, entry = int(le.Uint16(h[10:])), 3
	} else {
		b.width, b.height = int(le.Uint32(h[4:])), int(le.Uint32(h[8:]))
		b.depth, b.compression = int(le.Uint16(h[14:])), int(le.Uint32(h[16:]))
		colors = int(le.Uint32(h[32:]))
		if b.down = h[11] == 0xff; b.down { // a negative height
			b.height = 1<<32 - b.height
		}
	}
	if err := checkSize(b.width, b.height); err != nil {
		return nil, fmt.Errorf("bmp: %w", err)
	}
	if !slices.Contains([]int{1, 4, 8, 16, 24, 32}, b.depth) {
		return nil, fmt.Errorf("bmp: %d bits per pixel", b.depth)
	}
	switch {
	case b.compression == bmpRaw:
	case b.compression == bmpFields && b.depth > 8:
		if size == 40 { // the masks are right behind the header
			if end += 12; len(data) < end {
				return nil, errBMPShort
			}
		}
		for i := range b.masks {
			if i < 3 || size >= 56 {
				b.masks[i] = le.Uint32(data[bmpFileHeader+40+4*i:])
			}
		}
		if !b.knownMasks() {
			return nil, fmt.Errorf("bmp: colour masks %x of %d bits are not supported", b.masks, b.depth)
		}
	case (b.compression == bmpRLE8 || b.compression == bmpRLE4) && b.depth <= 8:
	default:
		return nil, fmt.Errorf("bmp: compression %d of %d bits per pixel is not supported", b.compression, b.depth)
	}
	if b.depth <= 8 {
		if colors == 0 {
			colors = 1 << b.depth
		}
		if offset == end { // some programs forget the palette in offset
			offset += colors * entry
		}
		palette := data[end:min(len(data), end+colors*entry)]
		if colors > 1<<16 || !b.palette(palette, colors, entry) {
			return nil, fmt.Errorf("bmp: palette of %d colours", colors)
		}
		end += len(palette)
	}
	if offset == 0 {
		offset = end
	}
	if offset > len(data) {
		return nil, errBMPShort
	}
	b.pixels = data[offset:]
	return b, nil
}

// palette sets the sampling from the palette's bytes. As in Pillow, black and white, or grey values in order, do not
// count as a palette: pixels then are grey values, of one bit if there are at most two colours and otherwise of eight,
// whatever the depth. Missing colours are black. It returns false if the palette has more colours than a byte can index.
func (b *bmp) palette(data []byte, colors, entry int) bool {
	plain := true
	for i := range colors {
		v := byte(i)
		if colors == 2 && i == 1 {
			v = 255
		}
		plain = plain && len(data) >= i*entry+3 && [3]byte(data[i*entry:]) == triple(v)
	}
	switch {
	case plain && colors <= 2:
		b.sampling = sampling{model: grey, bits: 1, samples: 1}
	case plain:
		b.sampling = sampling{model: grey, bits: 8, samples: 1}
	case len(data)/entry > 256:
		return false
	default:
		b.sampling = sampling{model: indexed, bits: b.depth, samples: 1, palette: new([256][3]byte)}
		for i := range len(data) / entry {
			c := data[i*entry:]
			b.sampling.palette[i] = [3]byte{c[2], c[1], c[0]}
		}
	}
	return true
}

// knownMasks reports whether the masks are among those that Pillow reads.
func (b *bmp) knownMasks() bool {
	m := b.masks
	switch b.depth {
	case 16:
		rgb := [3]uint32(m[:3])
		return rgb == [3]uint32{0xf800, 0x07e0, 0x001f} || rgb == [3]uint32{0x7c00, 0x03e0, 0x001f}
	case 24:
		return [3]uint32(m[:3]) == [3]uint32{0xff0000, 0xff00, 0xff}
	}
	if m == [4]uint32{} {
		b.masks = [4]uint32{0xff0000, 0xff00, 0xff}
		return true
	}
	return slices.Contains([][4]uint32{
		{0xff0000, 0xff00, 0xff, 0}, {0xff000000, 0xff0000, 0xff00, 0}, {0xff000000, 0xff00, 0xff, 0},
		{0xff000000, 0xff0000, 0xff00, 0xff}, {0xff, 0xff00, 0xff0000, 0xff000000},
		{0xff0000, 0xff00, 0xff, 0xff000000}, {0xff000000, 0xff00, 0xff, 0xff0000},
	}, m)
}

// pixel returns the colour of pixel x of a row, of 16 bits and more.
func (b *bmp) pixel(row []byte, x int) (c [3]byte) {
	masks := b.masks
	if b.compression == bmpRaw {
		if masks = [4]uint32{0xff0000, 0xff00, 0xff}; b.depth == 16 {
			masks = [4]uint32{0x7c00, 0x03e0, 0x001f}
		}
	}
	n := b.depth / 8
	var v uint32
	for i := range n {
		v |= uint32(row[n*x+i]) << (8 * i)
	}
	for i := range c {
		// As in Pillow: v*255/max, rounded down.
		shift := bits.TrailingZeros32(masks[i])
		c[i] = byte(uint64(v&masks[i]>>shift) * 255 / uint64(masks[i]>>shift))
	}
	return c
}
