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

// The compressions of BMP files that are read: see BITMAPINFOHEADER.
const (
	bmpRaw    = 0
	bmpRLE8   = 1
	bmpRLE4   = 2
	bmpFields = 3
)

const bmpFileHeader = 14 // bytes before the bitmap's own header

// A bmp is a bitmap's header.
type bmp struct {
	width, height int
	down          bool // rows from the top down
	depth         int  // bits a pixel
	compression   int
	masks         [3]uint32 // red, green, blue, of 16- and 32-bit pixels
	palette       [256][3]byte
	pixels        []byte // to the end of the file
	size          int    // of the file
}

// decodeBMP decodes a BMP file: 1, 4, 8, 16, 24 and 32 bits, with run lengths or without.
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
	if len(b.pixels) < stride*b.height {
		return errBMPShort
	}
	dst.Reset(b.width, b.height)
	for y := range b.height {
		row := b.pixels[b.row(y)*stride:]
		for x := range b.width {
			c := b.pixel(row, x)
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
	offset, size := uint64(le.Uint32(data[10:])), int(le.Uint32(data[14:]))
	if !slices.Contains([]int{12, 40, 52, 56, 64, 108, 124}, size) {
		return nil, fmt.Errorf("bmp: header of %d bytes", size)
	}
	if len(data) < bmpFileHeader+size {
		return nil, errBMPShort
	}
	h, b := data[bmpFileHeader:], &bmp{size: len(data)}
	colors, entry := 0, 4
	if size == 12 {
		b.width, b.height = int(le.Uint16(h[4:])), int(le.Uint16(h[6:]))
		b.depth, entry = int(le.Uint16(h[10:])), 3
	} else {
		b.width, b.height = int(int32(le.Uint32(h[4:]))), int(int32(le.Uint32(h[8:])))
		b.depth, b.compression = int(le.Uint16(h[14:])), int(le.Uint32(h[16:]))
		colors = int(le.Uint32(h[32:]))
		if b.height < 0 {
			b.height, b.down = -b.height, true
		}
	}
	if err := checkSize(b.width, b.height); err != nil {
		return nil, fmt.Errorf("bmp: %w", err)
	}
	end := bmpFileHeader + size
	switch b.depth {
	case 1, 4, 8:
		if colors == 0 {
			colors = 1 << b.depth
		}
		if colors < 0 || colors > 1<<16 || len(data)-end < colors*entry {
			return nil, fmt.Errorf("bmp: palette of %d colours", colors)
		}
		for i := range min(colors, len(b.palette)) {
			c := data[end+i*entry:]
			b.palette[i] = [3]byte{c[2], c[1], c[0]}
		}
		end += colors * entry
	case 16:
		b.masks = [3]uint32{0x7c00, 0x03e0, 0x001f}
	case 24, 32:
		b.masks = [3]uint32{0xff0000, 0xff00, 0xff}
	default:
		return nil, fmt.Errorf("bmp: %d bits a pixel", b.depth)
	}
	switch {
	case b.compression == bmpRaw, b.compression == bmpRLE8 && b.depth == 8, b.compression == bmpRLE4 && b.depth == 4:
	case b.compression == bmpFields && b.depth > 8:
		if len(h) < 52 {
			return nil, errBMPShort
		}
		for i := range b.masks { // in the header, or right behind one of 40 bytes
			b.masks[i] = le.Uint32(h[40+4*i:])
		}
		if size == 40 {
			end += 12
		}
		if err := b.checkMasks(); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("bmp: compression %d of %d bits a pixel", b.compression, b.depth)
	}
	if offset == 0 {
		offset = uint64(end)
	}
	if offset > uint64(len(data)) {
		return nil, errBMPShort
	}
	b.pixels = data[offset:]
	return b, nil
}

// checkMasks accepts masks of whole bytes and of the two usual layouts of 16 bits.
func (b *bmp) checkMasks() error {
	if b.depth == 32 && b.masks == [3]uint32{} {
		b.masks = [3]uint32{0xff0000, 0xff00, 0xff}
	}
	if b.depth == 16 {
		if m := b.masks; m == [3]uint32{0xf800, 0x07e0, 0x001f} || m == [3]uint32{0x7c00, 0x03e0, 0x001f} {
			return nil
		}
		return fmt.Errorf("bmp: colour masks %x of 16 bits", b.masks)
	}
	for _, m := range b.masks {
		if shift := bits.TrailingZeros32(m); m>>shift != 0xff || shift%8 != 0 || shift >= b.depth {
			return fmt.Errorf("bmp: colour masks %x of %d bits", b.masks, b.depth)
		}
	}
	return nil
}

// pixel returns the colour of pixel x of a row.
func (b *bmp) pixel(row []byte, x int) [3]byte {
	switch b.depth {
	case 1, 4, 8:
		bit := x * b.depth
		return b.palette[row[bit/8]>>(8-b.depth-bit%8)&(1<<b.depth-1)]
	case 16:
		v := uint32(binary.LittleEndian.Uint16(row[2*x:]))
		return [3]byte{b.spread(v, 0), b.spread(v, 1), b.spread(v, 2)}
	}
	n := b.depth / 8
	var c [3]byte
	for i, m := range b.masks {
		c[i] = row[n*x+bits.TrailingZeros32(m)/8]
	}
	return c
}

// spread scales one channel of a 16-bit pixel to 8 bits as Pillow does: v*255/max, rounded down.
func (b *bmp) spread(v uint32, channel int) byte {
	m := b.masks[channel]
	shift := bits.TrailingZeros32(m)
	return byte((v & m >> shift) * 255 / (m >> shift))
}
