package transforms

import "image"

// Both passes work on two 32-bit lanes of a 64-bit word at a time: a weight has at most 22 bits and a byte
// 8, so that a whole sum stays below 2^31. The sums of two, three and four weights are written out; most
// resizes of photographs need no more.
const (
	lanes     = 0x000000ff_000000ff
	halfLanes = half<<32 | half
)

// A lane is one pixel each of two rows, side by side: red, green and blue.
type lane [3]uint64

// pack rounds the sums of red, green and blue and joins them to two pixels.
func pack(r, g, b uint64) uint64 {
	return (r+halfLanes)>>precision&lanes |
		(g+halfLanes)>>(precision-8)&(lanes<<8) |
		(b+halfLanes)>>(precision-16)&(lanes<<16)
}

// manyTaps is the number of weights from which pack is no longer enough: their rounding errors can add up to a
// result above 255. (255*(2^22+n/2) must stay below 255.5*2^22.)
const manyTaps = 1 << 13

// packClamped is pack for any number of weights.
func packClamped(r, g, b uint64) uint64 {
	return clampLanes(r) | clampLanes(g)<<8 | clampLanes(b)<<16
}

func clampLanes(v uint64) uint64 {
	const nine = 0x000001ff_000001ff
	v = (v + halfLanes) >> precision & nine
	over := v >> 8 & (1<<32 | 1)
	return (v | (over<<8 - over)) & lanes
}

// horizontal resizes rows of src to the rows of dst by the weights r.x, for the inputs in need. It does two rows at once.
func (r *Resizer) horizontal(dst, src *Image, need image.Rectangle) {
	r.x.interleave()
	from, to := need.Min.X/2, (need.Max.X+1)/2 // words
	r.wide = grow(r.wide, 2*(to-from))
	r.pairs = grow(r.pairs, 2*dst.Stride)
	for y := 0; y < dst.Height; y += 2 {
		other := min(y+1, dst.Height-1)
		widen(r.wide, src.Row(need.Min.Y + y)[from:to], src.Row(need.Min.Y + other)[from:to])
		r.x.sum(r.pairs[:dst.Width], r.wide[need.Min.X%2:])
		split(dst.Row(y), dst.Row(other), r.pairs)
	}
}

// widen brings the pixels of rows a and b side by side.
func widen(wide []lane, a, b []uint64) {
	b = b[:len(a)]
	for i := 0; i < len(a) && 2*i+1 < len(wide); i++ {
		v, w := a[i], b[i]
		left, right := v&(1<<32-1)|w<<32, v>>32|w&^(1<<32-1)
		p, q := &wide[2*i], &wide[2*i+1]
		p[0], p[1], p[2] = left&lanes, left>>8&lanes, left>>16&lanes
		q[0], q[1], q[2] = right&lanes, right>>8&lanes, right>>16&lanes
	}
}

// split undoes widen: each word of pairs holds a pixel of each row.
func split(a, b, pairs []uint64) {
	b = b[:len(a)]
	for i := range a {
		if len(pairs) < 2 {
			return
		}
		v, w := pairs[0], pairs[1]
		a[i], b[i] = v&(1<<32-1)|w<<32, v>>32|w&^(1<<32-1)
		pairs = pairs[2:]
	}
}

// sum makes two rows of output.
func (t *taps) sum(out []uint64, in []lane) {
	switch t.n {
	case 2:
		sum2(out, in, t.two)
	case 3:
		sum3(out, in, t.three)
	case 4:
		sum4(out, in, t.four)
	default:
		t.sumAny(out, in)
	}
}

func sum2(out []uint64, in []lane, taps [][3]uint64) {
	taps = taps[:len(out)]
	for o := range out {
		k := &taps[o]
		p := in[k[0] : k[0]+2 : k[0]+2]
		out[o] = pack(
			p[0][0]*k[1]+p[1][0]*k[2],
			p[0][1]*k[1]+p[1][1]*k[2],
			p[0][2]*k[1]+p[1][2]*k[2])
	}
}

func sum3(out []uint64, in []lane, taps [][4]uint64) {
	taps = taps[:len(out)]
	for o := range out {
		k := &taps[o]
		p := in[k[0] : k[0]+3 : k[0]+3]
		out[o] = pack(
			p[0][0]*k[1]+p[1][0]*k[2]+p[2][0]*k[3],
			p[0][1]*k[1]+p[1][1]*k[2]+p[2][1]*k[3],
			p[0][2]*k[1]+p[1][2]*k[2]+p[2][2]*k[3])
	}
}

func sum4(out []uint64, in []lane, taps [][5]uint64) {
	taps = taps[:len(out)]
	for o := range out {
		k := &taps[o]
		p := in[k[0] : k[0]+4 : k[0]+4]
		out[o] = pack(
			p[0][0]*k[1]+p[1][0]*k[2]+p[2][0]*k[3]+p[3][0]*k[4],
			p[0][1]*k[1]+p[1][1]*k[2]+p[2][1]*k[3]+p[3][1]*k[4],
			p[0][2]*k[1]+p[1][2]*k[2]+p[2][2]*k[3]+p[3][2]*k[4])
	}
}

// sumAny is for any number of weights.
func (t *taps) sumAny(out []uint64, in []lane) {
	for o := range out {
		var r, g, b uint64
		k := t.k[o*t.n : (o+1)*t.n]
		p := in[t.lo[o]:]
		p = p[:len(k)]
		for i, k := range k {
			r += p[i][0] * k
			g += p[i][1] * k
			b += p[i][2] * k
		}
		if t.n < manyTaps {
			out[o] = pack(r, g, b)
		} else {
			out[o] = packClamped(r, g, b)
		}
	}
}
