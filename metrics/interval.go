package metrics

import "math"

// z95 is the 97.5 % quantile of the normal distribution, for a two-sided 95 % interval.
const z95 = 1.959963984540054

// Wilson returns the 95 % confidence interval of the share k/n (Wilson, 1927): the range of the accuracy on unlimited
// images of the same kind. For n = 0 it is 0 to 1.
func Wilson(k, n int) (low, high float64) {
	if n == 0 {
		return 0, 1
	}
	p, m := float64(k)/float64(n), float64(n)
	d := 1 + z95*z95/m
	centre := (p + z95*z95/(2*m)) / d
	// float64(…): without it, arm64 fuses the product with the sum.
	half := float64(z95 / d * math.Sqrt(p*(1-p)/m+z95*z95/(4*m*m)))
	low, high = max(centre-half, 0), min(centre+half, 1)
	if k == 0 { // exactly, without a rounding error
		low = 0
	}
	if k == n {
		high = 1
	}
	return low, high
}

// Newcombe returns the 95 % confidence interval of the difference k1/n1 - k2/n2 between two independent
// sets (Newcombe, 1998, method 10).
func Newcombe(k1, n1, k2, n2 int) (low, high float64) {
	l1, h1 := Wilson(k1, n1)
	l2, h2 := Wilson(k2, n2)
	p, q := Ratio(k1, n1), Ratio(k2, n2)
	return p - q - math.Hypot(p-l1, h2-q), p - q + math.Hypot(h1-p, q-l2)
}

// McNemar returns the two-sided p-value of the exact McNemar test: how often two equally good classifiers would
// differ by at least so much, if b images were right only in the first and c only in the second.
func McNemar(b, c int) float64 {
	n := b + c
	if n == 0 {
		return 1
	}
	p := 0.0
	logN, _ := math.Lgamma(float64(n + 1))
	for k := range min(b, c) + 1 {
		logK, _ := math.Lgamma(float64(k + 1))
		logRest, _ := math.Lgamma(float64(n - k + 1))
		p += math.Exp(logN - logK - logRest - float64(float64(n)*math.Ln2))
	}
	return min(2*p, 1)
}
