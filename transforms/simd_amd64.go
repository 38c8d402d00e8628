package transforms

import (
	"image"
	"unsafe"

	"golang.org/x/sys/cpu"
)

// blendAVX2 sets words words of out to the weighted sums of n rows at src, which are stride words apart.
//
//go:noescape
func blendAVX2(out, src *uint64, stride, words int, k *uint64, n int)

// sumAVX2 sets words words, two outputs each, of two rows: at out and outStep words on, from src and srcStep
// words on. lo has the first pixel of each output, counted from src, and k, for each word, pairs groups of two
// weights for its left and two for its right output, every weight four times: once a channel.
//
//go:noescape
func sumAVX2(out *uint64, src unsafe.Pointer, outStep, srcStep int, lo, k *int32, words, pairs int)

// hasSIMD reports whether there are faster ways than Go's on this processor.
func hasSIMD() bool { return cpu.X86.HasAVX2 }

// verticalSIMD is vertical with AVX2.
func (r *Resizer) verticalSIMD(dst, src *Image, need image.Rectangle) {
	from, to := need.Min.X/2, (need.Max.X+1)/2 // words
	n := r.y.n
	for y, lo := range r.y.lo {
		out := dst.Row(y)[:to-from]
		top := need.Min.Y + int(lo)
		src.Row(top + n - 1) // in range
		blendAVX2(&out[0], &src.Row(top)[from], src.Stride, len(out), &r.y.k[y*n], n)
	}
}

// horizontalSIMD is horizontal with AVX2, where the weights suit it: then it returns true.
func (r *Resizer) horizontalSIMD(dst, src *Image, need image.Rectangle) bool {
	if r.x.n%2 != 0 {
		return false
	}
	r.x.spread()
	for y := 0; y < dst.Height; y += 2 {
		out, row := dst.Row(y), src.Row(need.Min.Y+y)
		outStep, srcStep := dst.Stride, src.Stride
		if y+1 == dst.Height {
			outStep, srcStep = 0, 0 // the last row twice
		}
		pixel := unsafe.Add(unsafe.Pointer(unsafe.SliceData(row)), 4*need.Min.X)
		sumAVX2(&out[0], pixel, outStep, srcStep, &r.x.lo[0], &r.x.spreads[0], len(out), r.x.n/2)
	}
	return true
}

// spread sets spreads to what sumAVX2 wants. n must be even. An odd number of outputs gets another one.
func (t *taps) spread() {
	n, count := t.n, len(t.lo)
	if count%2 != 0 {
		t.lo = append(t.lo, t.lo[count-1])
		t.k = append(t.k, t.k[(count-1)*n:]...)
	}
	t.spreads = grow(t.spreads, len(t.lo)*n*4)
	for o := range t.lo {
		s := t.spreads[o/2*8*n+o%2*8:] // the left output's of this word, or the right one's
		for i, k := range t.k[o*n : (o+1)*n] {
			at := i/2*16 + i%2*4
			w := int32(k)
			s[at], s[at+1], s[at+2], s[at+3] = w, w, w, w
		}
	}
}
