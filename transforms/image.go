package transforms

import "image"

// An Image holds 8-bit RGB pixels, row by row from the top. A pixel takes four bytes: red, green, blue, and
// one without meaning. The resizer handles two pixels at a time: so Stride is a multiple of 8, and Pix has
// Height whole rows of Stride bytes. [Image.Reset] sees to both.
type Image struct {
	Width, Height int // in pixels
	Stride        int // bytes from a row to the next
	Pix           []byte
}

// Reset makes m an image of w×h pixels with unspecified content, in the memory it has where that suffices.
func (m *Image) Reset(w, h int) {
	m.Width, m.Height, m.Stride = w, h, (w+1)/2*8
	if n := m.Stride * h; n <= cap(m.Pix) {
		m.Pix = m.Pix[:n]
	} else {
		m.Pix = make([]byte, n)
	}
}

// Row returns the bytes of row y, Stride of them.
func (m *Image) Row(y int) []byte {
	return m.Pix[y*m.Stride : (y+1)*m.Stride : (y+1)*m.Stride]
}

// Set gives the pixel at (x, y) a colour.
func (m *Image) Set(x, y int, r, g, b byte) {
	p := m.Pix[y*m.Stride+4*x:]
	p[0], p[1], p[2], p[3] = r, g, b, 255
}

// At returns the colour of the pixel at (x, y).
func (m *Image) At(x, y int) (r, g, b byte) {
	p := m.Pix[y*m.Stride+4*x:]
	return p[0], p[1], p[2]
}

// Crop keeps only the pixels of a rectangle, which lies inside the image; it moves them within m's memory.
func (m *Image) Crop(r image.Rectangle) {
	from, old := *m, m.Stride
	m.Reset(r.Dx(), r.Dy()) // never larger, so rows move towards the start
	for y := range m.Height {
		at := (r.Min.Y+y)*old + 4*r.Min.X
		copy(m.Pix[y*m.Stride:], from.Pix[at:at+4*m.Width])
	}
}
