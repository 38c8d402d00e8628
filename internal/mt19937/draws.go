package mt19937

import (
	"math"
	"slices"
)

// Float32 draws torch.rand(1) in float32, from [0, 1): 24 bits of one word.
func Float32(src Source) float32 {
	return float32(src.Uint32()&(1<<24-1)) * (1.0 / (1 << 24))
}

// Uniform draws Tensor.uniform_(a, b) in float32, from [a, b): one word. PyTorch's builds for AVX2 and
// later contract x*(b-a)+a to one fused operation, and so does this.
func Uniform(src Source, a, b float32) float32 {
	return FMA(Float32(src), b-a, a)
}

// IntN draws torch.randint(0, n): one word for n below 2^28, two from there on
// (at::uniform_int_from_to_distribution). n must be positive.
func IntN(src Source, n int) int {
	if n <= 0 {
		panic("mt19937: IntN of no numbers")
	}
	if uint64(n) < 1<<28 {
		return int(src.Uint32() % uint32(n))
	}
	return int(word64(src) % uint64(n))
}

// Int64 draws Tensor.random_() of an int64 tensor, from [0, 2^63): two words.
func Int64(src Source) int64 { return int64(word64(src) & math.MaxInt64) }

// word64 joins two words, the first one in the upper half.
func word64(src Source) uint64 {
	hi := uint64(src.Uint32())
	return hi<<32 | uint64(src.Uint32())
}

// Perm fills p with torch.randperm(len(p)): len(p)-1 words.
func Perm(src Source, p []int) {
	for i := range p {
		p[i] = i
	}
	n := len(p)
	for i := range n - 1 {
		z := i + int(src.Uint32()%uint32(n-i))
		p[i], p[z] = p[z], p[i]
	}
}

// Float64 draws torch.rand(1) in float64, from [0, 1): 53 bits of two words.
func Float64(src Source) float64 {
	return float64(word64(src)&(1<<53-1)) * (1.0 / (1 << 53))
}

// Multinomial fills p with torch.multinomial(weights, len(p), replacement=True) of float64 weights, which must be
// positive: two words per number. (For a single number PyTorch draws in another way.)
func Multinomial(src Source, weights []float64, p []int) {
	sums := make([]float64, len(weights)) // cumulative, ending at 1
	sum := 0.0
	for i, w := range weights {
		sum += w
		sums[i] = sum
	}
	for i := range sums {
		sums[i] /= sum
	}
	sums[len(sums)-1] = 1
	for i := range p {
		p[i], _ = slices.BinarySearch(sums, Float64(src))
	}
}

// FMA returns x*y+z rounded once to float32. (Rounding a float64 sum to float32 would round twice.)
func FMA(x, y, z float32) float32 {
	p := float64(float64(x) * float64(y)) // exact: 48 bits; the conversion keeps arm64 from fusing it with a sum
	c := float64(z)
	sum := float64(p + c)
	// The rounding error of the sum (Knuth's two-sum).
	t := float64(sum - p)
	lost := float64(p-float64(sum-t)) + float64(c-t)
	// Rounding to odd keeps the second rounding right.
	if b := math.Float64bits(sum); lost != 0 && b&1 == 0 && !math.IsInf(sum, 0) {
		if (lost > 0) == (sum > 0) {
			b++
		} else {
			b--
		}
		sum = math.Float64frombits(b)
	}
	return float32(sum)
}
