package transforms

import "fmt"

// A Normalizer does ToTensor and Normalize in one step, by look-up: ((v/255) - mean) / std, each operation
// rounded to float32 as PyTorch's is. It is read only once made.
type Normalizer struct {
	lut [3][256]float32 // one table a channel
}

// NewNormalizer returns a normalizer for the given statistics of red, green and blue.
func NewNormalizer(mean, std [3]float32) *Normalizer {
	n := new(Normalizer)
	for c := range n.lut {
		for v := range n.lut[c] {
			x := float32(v) / 255
			x = float32(x - mean[c])
			n.lut[c][v] = x / std[c]
		}
	}
	return n
}

// Apply writes a picture of W×H pixels to dst as 3×H×W, mirrored left to right where flip is true. dst must
// have exactly that length.
func (n *Normalizer) Apply(dst []float32, m *Image, flip bool) {
	w, plane := m.Width, m.Width*m.Height
	if len(dst) != 3*plane {
		panic(fmt.Sprintf("transforms: %d floats for a sample of 3×%d×%d", len(dst), m.Height, w))
	}
	for y := range m.Height {
		row := m.Row(y)[:4*w]
		at := y * w
		r := dst[at : at+w]
		g := dst[plane+at : plane+at+w]
		b := dst[2*plane+at : 2*plane+at+w]
		if flip {
			n.backward(r, g, b, row)
		} else {
			n.forward(r, g, b, row)
		}
	}
}

// forward writes one row of pixels to three rows of floats.
func (n *Normalizer) forward(r, g, b []float32, row []byte) {
	g, b = g[:len(r)], b[:len(r)]
	for x := range r {
		if len(row) < 4 {
			return
		}
		r[x] = n.lut[0][row[0]]
		g[x] = n.lut[1][row[1]]
		b[x] = n.lut[2][row[2]]
		row = row[4:]
	}
}

// backward is forward from right to left.
func (n *Normalizer) backward(r, g, b []float32, row []byte) {
	g, b = g[:len(r)], b[:len(r)]
	for x := len(r) - 1; x >= 0; x-- {
		if len(row) < 4 {
			return
		}
		r[x] = n.lut[0][row[0]]
		g[x] = n.lut[1][row[1]]
		b[x] = n.lut[2][row[2]]
		row = row[4:]
	}
}
