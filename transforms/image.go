package transforms

import (
	"image"
	"slices"
	"unsafe"
)

// An Image holds 8-bit RGB pixels, row by row from the top. A pixel takes 32 bits: red in the lowest eight, then
// green, blue, and eight unused bits. Two neighbours share a word, the left one in its lower half; a row begins at a
// new word. [Image.Reset] makes the memory.
type Image struct {
	Width, Height int // in pixels
	Stride        int // words from a row to the next
	Pix           []uint64
}

// Reset makes m an image of w×h pixels with unspecified content. It reuses m's memory if that is large enough.
func (m *Image) Reset(w, h int) {
	m.Width, m.Height, m.Stride = w, h, (w+1)/2
	m.Pix = grow(m.Pix, m.Stride*h)
}

// Clone returns a copy of m in memory of its own.
func (m *Image) Clone() *Image {
	return &Image{Width: m.Width, Height: m.Height, Stride: m.Stride, Pix: slices.Clone(m.Pix)}
}

// Bounds returns the rectangle of all pixels.
func (m *Image) Bounds() image.Rectangle { return image.Rect(0, 0, m.Width, m.Height) }

// Row returns the words of row y.
func (m *Image) Row(y int) []uint64 {
	return m.Pix[y*m.Stride : (y+1)*m.Stride : (y+1)*m.Stride]
}

// Bytes returns the memory of Pix. A pixel is the four bytes R, G, B and an unused one, since this package is for
// little-endian machines only; rows are 8*Stride bytes apart.
func (m *Image) Bytes() []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(m.Pix))), 8*len(m.Pix))
}

// Set sets the pixel at (x, y).
func (m *Image) Set(x, y int, r, g, b byte) {
	p := &m.Pix[y*m.Stride+x/2]
	shift := x % 2 * 32
	*p = *p&^(0xffffffff<<shift) | (uint64(r)|uint64(g)<<8|uint64(b)<<16)<<shift
}

// Fill sets every pixel to a colour.
func (m *Image) Fill(r, g, b byte) {
	pixel := uint64(r) | uint64(g)<<8 | uint64(b)<<16
	for i := range m.Pix {
		m.Pix[i] = pixel | pixel<<32
	}
}

// At returns the colour of the pixel at (x, y).
func (m *Image) At(x, y int) (r, g, b byte) {
	p := m.Pix[y*m.Stride+x/2] >> (x % 2 * 32)
	return byte(p), byte(p >> 8), byte(p >> 16)
}
