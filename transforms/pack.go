package transforms

import "fmt"

// Pack writes a picture of W×H pixels to dst as H×W×3 bytes, mirrored left to right if flip is true: the input of a
// [Normalizer] takes in, for callers that normalise on the device. dst must have exactly that length.
func Pack(dst []byte, m *Image, flip bool) {
	if len(dst) != 3*m.Width*m.Height {
		panic(fmt.Sprintf("transforms: %d bytes for a sample of %d×%d×3", len(dst), m.Height, m.Width))
	}
	step, first := 3, 0
	if flip {
		step, first = -3, 3*(m.Width-1)
	}
	pixels := m.Bytes()
	for y := range m.Height {
		row, out := pixels[8*m.Stride*y:], dst[3*m.Width*y:3*m.Width*(y+1)]
		for x, at := 0, first; x < m.Width; x, at = x+1, at+step {
			out[at], out[at+1], out[at+2] = row[4*x], row[4*x+1], row[4*x+2]
		}
	}
}
