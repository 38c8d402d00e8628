package transforms

import "image"

// verticalMid makes the rows of the first pass in r.mid and returns the position of need's columns in it: the words may hold
// one more column on either side.
func (r *Resizer) verticalMid(src *Image, need image.Rectangle) image.Rectangle {
	left, words := need.Min.X%2, (need.Max.X+1)/2-need.Min.X/2
	r.mid.Reset(2*words, len(r.y.lo))
	r.vertical(&r.mid, src, need)
	return image.Rect(left, 0, left+need.Dx(), r.mid.Height)
}

// vertical makes the rows of dst from rows of src by the weights r.y, word by word, for the inputs in need.
func (r *Resizer) vertical(dst, src *Image, need image.Rectangle) {
	from, to := need.Min.X/2, (need.Max.X+1)/2 // words
	n := r.y.n
	for y, lo := range r.y.lo {
		k := r.y.k[y*n : (y+1)*n]
		out := dst.Row(y)
		row := func(i int) []uint64 { return src.Row(need.Min.Y + int(lo) + i)[from:to] }
		switch n {
		case 2:
			blend2(out, row(0), row(1), k[0], k[1])
		case 3:
			blend3(out, row(0), row(1), row(2), k[0], k[1], k[2])
		case 4:
			blend4(out, row(0), row(1), row(2), row(3), k[0], k[1], k[2], k[3])
		default:
			at := (need.Min.Y+int(lo))*src.Stride + from
			blendAny(out, src.Pix[at:], src.Stride, k)
		}
	}
}

func blend2(out, a, b []uint64, k0, k1 uint64) {
	a, b = a[:len(out)], b[:len(out)]
	for x := range out {
		p, q := a[x], b[x]
		out[x] = pack(
			p&lanes*k0+q&lanes*k1,
			p>>8&lanes*k0+q>>8&lanes*k1,
			p>>16&lanes*k0+q>>16&lanes*k1)
	}
}

func blend3(out, a, b, c []uint64, k0, k1, k2 uint64) {
	a, b, c = a[:len(out)], b[:len(out)], c[:len(out)]
	for x := range out {
		p, q, r := a[x], b[x], c[x]
		out[x] = pack(
			p&lanes*k0+q&lanes*k1+r&lanes*k2,
			p>>8&lanes*k0+q>>8&lanes*k1+r>>8&lanes*k2,
			p>>16&lanes*k0+q>>16&lanes*k1+r>>16&lanes*k2)
	}
}

func blend4(out, a, b, c, d []uint64, k0, k1, k2, k3 uint64) {
	a, b, c, d = a[:len(out)], b[:len(out)], c[:len(out)], d[:len(out)]
	for x := range out {
		p, q, r, s := a[x], b[x], c[x], d[x]
		out[x] = pack(
			p&lanes*k0+q&lanes*k1+r&lanes*k2+s&lanes*k3,
			p>>8&lanes*k0+q>>8&lanes*k1+r>>8&lanes*k2+s>>8&lanes*k3,
			p>>16&lanes*k0+q>>16&lanes*k1+r>>16&lanes*k2+s>>16&lanes*k3)
	}
}

// blendAny is for any number of weights. The rows are stride words apart in pix.
func blendAny(out, pix []uint64, stride int, k []uint64) {
	for x := range out {
		var r, g, b uint64
		for i, k := range k {
			p := pix[i*stride+x]
			r += p & lanes * k
			g += p >> 8 & lanes * k
			b += p >> 16 & lanes * k
		}
		if len(k) < manyTaps {
			out[x] = pack(r, g, b)
		} else {
			out[x] = packClamped(r, g, b)
		}
	}
}
