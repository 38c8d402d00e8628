package transforms

import "fmt"

// A Normalizer does ToTensor and Normalize in one step, by look-up: ((v/255) - mean) / std, with each operation
// rounded to float32 as in PyTorch. Several goroutines may use it.
type Normalizer struct {
	lut [3][256]float32 // one table per channel
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
		row := m.Row(y)
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

// ApplyChannelsLast writes the picture as H×W×3 instead.
func (n *Normalizer) ApplyChannelsLast(dst []float32, m *Image, flip bool) {
	w := m.Width
	if len(dst) != 3*w*m.Height {
		panic(fmt.Sprintf("transforms: %d floats for a sample of %d×%d×3", len(dst), m.Height, w))
	}
	for y := range m.Height {
		row := m.Row(y)
		out := dst[3*w*y : 3*w*(y+1)]
		if flip {
			n.interleaveBackward(out, row)
		} else {
			n.interleave(out, row)
		}
	}
}

// interleave writes one row of pixels to a row of floats.
func (n *Normalizer) interleave(out []float32, row []uint64) {
	for ; len(out) >= 6; out, row = out[6:], row[1:] {
		v := row[0]
		out[0], out[1], out[2] = n.lut[0][byte(v)], n.lut[1][byte(v>>8)], n.lut[2][byte(v>>16)]
		out[3], out[4], out[5] = n.lut[0][byte(v>>32)], n.lut[1][byte(v>>40)], n.lut[2][byte(v>>48)]
	}
	if len(out) >= 3 {
		v := row[0]
		out[0], out[1], out[2] = n.lut[0][byte(v)], n.lut[1][byte(v>>8)], n.lut[2][byte(v>>16)]
	}
}

// interleaveBackward is interleave from right to left.
func (n *Normalizer) interleaveBackward(out []float32, row []uint64) {
	for i := len(out) - 3; i >= 0; i -= 3 {
		v := row[0]
		out[i], out[i+1], out[i+2] = n.lut[0][byte(v)], n.lut[1][byte(v>>8)], n.lut[2][byte(v>>16)]
		if i -= 3; i < 0 {
			return
		}
		out[i], out[i+1], out[i+2] = n.lut[0][byte(v>>32)], n.lut[1][byte(v>>40)], n.lut[2][byte(v>>48)]
		row = row[1:]
	}
}

// forward writes one row of pixels to three rows of floats.
func (n *Normalizer) forward(r, g, b []float32, row []uint64) {
	g, b = g[:len(r)], b[:len(r)]
	x := 0
	for ; x+1 < len(r); x += 2 {
		v := row[x/2]
		r[x], g[x], b[x] = n.lut[0][byte(v)], n.lut[1][byte(v>>8)], n.lut[2][byte(v>>16)]
		r[x+1], g[x+1], b[x+1] = n.lut[0][byte(v>>32)], n.lut[1][byte(v>>40)], n.lut[2][byte(v>>48)]
	}
	if x < len(r) {
		v := row[x/2]
		r[x], g[x], b[x] = n.lut[0][byte(v)], n.lut[1][byte(v>>8)], n.lut[2][byte(v>>16)]
	}
}

// backward is forward from right to left.
func (n *Normalizer) backward(r, g, b []float32, row []uint64) {
	for _, v := range row {
		i := len(r) - 1
		if i < 0 || i >= len(g) || i >= len(b) {
			return
		}
		r[i], g[i], b[i] = n.lut[0][byte(v)], n.lut[1][byte(v>>8)], n.lut[2][byte(v>>16)]
		if i == 0 {
			return
		}
		i--
		r[i], g[i], b[i] = n.lut[0][byte(v>>32)], n.lut[1][byte(v>>40)], n.lut[2][byte(v>>48)]
		r = r[:i]
	}
}
