package transforms

import "encoding/binary"

// Both passes work on two 32-bit lanes of a 64-bit word at a time: a weight has at most 22 bits and a byte
// 8, so that a whole sum stays below 2^31.
const (
	lanes     = 0x000000ff_000000ff
	halfLanes = half<<32 | half
)

// pack rounds the sums of red, green and blue and joins them to two pixels.
func pack(r, g, b uint64) uint64 {
	return (r+halfLanes)>>precision&lanes |
		(g+halfLanes)>>(precision-8)&(lanes<<8) |
		(b+halfLanes)>>(precision-16)&(lanes<<16)
}

// packClamped is pack for so many weights that their rounding errors can add up to a result above 255.
func packClamped(r, g, b uint64) uint64 {
	return clampLanes(r) | clampLanes(g)<<8 | clampLanes(b)<<16
}

func clampLanes(v uint64) uint64 {
	const nine = 0x000001ff_000001ff
	v = (v + halfLanes) >> precision & nine
	over := v >> 8 & (1<<32 | 1)
	return (v | (over<<8 - over)) & lanes
}

// manyTaps is where pack no longer suffices: 255*(2^22+n/2) must stay below 255.5*2^22.
const manyTaps = 1 << 13

// horizontal resizes each row of src to one of dst by the weights r.x. Two rows go through at once.
func (r *Resizer) horizontal(dst, src *Image) {
	r.wide = grow(r.wide, 3*src.Width)
	for y := 0; y < src.Height; y += 2 {
		other := min(y+1, src.Height-1)
		widen(r.wide, src.Row(y), src.Row(other))
		r.x.rows(dst.Row(y), dst.Row(other), r.wide)
	}
}

// widen spreads two rows of pixels to three words a column: red, green and blue, a row in each lane.
func widen(wide []uint64, a, b []byte) {
	for len(wide) >= 3 && len(a) >= 4 && len(b) >= 4 {
		v := uint64(binary.LittleEndian.Uint32(a)) | uint64(binary.LittleEndian.Uint32(b))<<32
		wide[0], wide[1], wide[2] = v&lanes, v>>8&lanes, v>>16&lanes
		wide, a, b = wide[3:], a[4:], b[4:]
	}
}

// rows writes two rows of output.
func (t *taps) rows(a, b []byte, wide []uint64) {
	n := t.n
	k := t.k
	for _, lo := range t.lo {
		in := wide[3*lo:]
		in = in[:3*n]
		var sr, sg, sb uint64
		for _, kk := range k[:n] {
			sr += in[0] * kk
			sg += in[1] * kk
			sb += in[2] * kk
			in = in[3:]
		}
		k = k[n:]
		v := packClamped(sr, sg, sb)
		binary.LittleEndian.PutUint32(a, uint32(v))
		binary.LittleEndian.PutUint32(b, uint32(v>>32))
		a, b = a[4:], b[4:]
	}
}

// vertical makes each row of dst from rows of src by the weights r.y.
func (r *Resizer) vertical(dst, src *Image) {
	n := r.y.n
	r.wide = grow(r.wide, 3*(dst.Width+1)/2+3)
	for y, lo := range r.y.lo {
		k := r.y.k[y*n : (y+1)*n]
		out := dst.Row(y)
		acc := r.wide[:len(out)/8*3]
		clear(acc)
		for i, kk := range k {
			addRow(acc, src.Row(int(lo)+i), kk)
		}
		for len(out) >= 8 && len(acc) >= 3 {
			binary.LittleEndian.PutUint64(out, packClamped(acc[0], acc[1], acc[2]))
			out, acc = out[8:], acc[3:]
		}
	}
}

// addRow adds k times a row to sums of three words for each two pixels.
func addRow(acc []uint64, row []byte, k uint64) {
	for len(acc) >= 3 && len(row) >= 8 {
		v := binary.LittleEndian.Uint64(row)
		acc[0] += v & lanes * k
		acc[1] += v >> 8 & lanes * k
		acc[2] += v >> 16 & lanes * k
		acc, row = acc[3:], row[8:]
	}
}
