package transforms

import "math"

// Pillow's fixed point for 8-bit pixels: weights have 22 bits after the point.
const (
	precision = 22
	half      = 1 << (precision - 1)
)

// taps are the weights of one axis of a resize: output o is the sum of k[o*n+i] * in[lo[o]+i] over i < n.
type taps struct {
	n  int      // weights per output
	lo []int32  // the first input of each output, counted from the first input that any output needs
	k  []uint64 // n weights per output

	// The same with lo before the weights, for the inner loops. interleave sets the one for n.
	two   [][3]uint64
	three [][4]uint64
	four  [][5]uint64

	lens []int32   // scratch: how many of the weights of each output are used
	w    []float64 // scratch: the weights of one output
}

// support returns the inputs [lo, hi) that output o of an axis depends on, and its centre, when in pixels
// are resized to out (Pillow's precompute_coeffs).
func support(in, out, o int) (lo, hi int, center float64) {
	scale := float64(in) / float64(out)
	radius := max(scale, 1)
	center = float64((float64(o) + 0.5) * scale)
	lo = max(0, int(float64(center-radius)+0.5))
	hi = min(in, int(float64(center+radius)+0.5))
	return lo, hi, center
}

// span returns the inputs [lo, hi) that the outputs [from, to) of an axis depend on.
func span(in, out, from, to int) (lo, hi int) {
	if in == out {
		return from, to
	}
	lo, _, _ = support(in, out, from)
	_, hi, _ = support(in, out, to-1)
	return lo, hi
}

// capacity returns how many weights an output of an axis can have, as Pillow counts them.
func capacity(in, out int) int {
	return 2*int(math.Ceil(max(float64(in)/float64(out), 1))) + 1
}

// compute sets the weights for the outputs [from, to) of an axis that is resized from in to out pixels. Explicit conversions
// prevent the fused operations that Go uses on some processors.
func (t *taps) compute(in, out, from, to int) {
	first, end := span(in, out, from, to)
	inv := 1 / max(float64(in)/float64(out), 1)
	count := to - from
	stride := min(capacity(in, out), end-first)
	t.lo, t.lens = grow(t.lo, count), grow(t.lens, count)
	t.k, t.w = grow(t.k, count*stride), grow(t.w, stride)

	t.n = min(2, end-first)
	for o := range count {
		lo, hi, center := support(in, out, from+o)
		k := t.k[o*stride : o*stride+hi-lo]
		t.weights(k, lo, center, inv)
		// Weights of zero at either end are dropped.
		zeros, used := 0, len(k)
		for used > 1 && k[used-1] == 0 {
			used--
		}
		for zeros < used-1 && k[zeros] == 0 {
			zeros++
		}
		used = copy(k, k[zeros:used])
		t.lo[o], t.lens[o] = int32(lo+zeros-first), int32(used)
		t.n = max(t.n, used)
	}
	t.align(stride, end-first)
}

// weights sets k to the fixed-point weights of the inputs from lo on for an output around center.
func (t *taps) weights(k []uint64, lo int, center, inv float64) {
	w := t.w[:len(k)]
	sum := 0.0
	for i := range w {
		d := float64(float64(float64(i+lo)-center)+0.5) * inv
		w[i] = max(0, 1-math.Abs(d))
		sum += w[i]
	}
	for i := range w {
		k[i] = uint64(0.5 + float64(w[i]/sum*(1<<precision)))
	}
}

// align gives every output the same number of weights, so that the inner loops have one length. Unused weights are zero, on
// the side that has more inputs. Before align, outputs are stride weights apart.
func (t *taps) align(stride, inputs int) {
	n := t.n
	for o := range t.lo {
		used := int(t.lens[o])
		k := t.k[o*n : (o+1)*n] // does not reach the weights that are still to be moved
		shift := max(0, int(t.lo[o])+n-inputs)
		copy(k[shift:], t.k[o*stride:o*stride+used])
		clear(k[:shift])
		clear(k[shift+used:])
		t.lo[o] -= int32(shift)
	}
	t.k = t.k[:len(t.lo)*n]
}

// interleave sets two, three or four.
func (t *taps) interleave() {
	t.two, t.three, t.four = t.two[:0], t.three[:0], t.four[:0]
	for o, lo := range t.lo {
		switch k := t.k[o*t.n : (o+1)*t.n]; t.n {
		case 2:
			t.two = append(t.two, [3]uint64{uint64(lo), k[0], k[1]})
		case 3:
			t.three = append(t.three, [4]uint64{uint64(lo), k[0], k[1], k[2]})
		case 4:
			t.four = append(t.four, [5]uint64{uint64(lo), k[0], k[1], k[2], k[3]})
		}
	}
}

// grow returns a slice of n elements with unspecified content, in s if it is long enough.
func grow[T any](s []T, n int) []T {
	if n <= cap(s) {
		return s[:n]
	}
	return make([]T, n)
}
