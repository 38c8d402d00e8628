package report

import "strings"

// Sparkline draws values as a line of small bars, at most width wide; the lowest value has the shortest bar. If there
// are more values, it averages neighbours.
func Sparkline(values []float64, width int) string {
	if len(values) == 0 || width < 1 {
		return ""
	}
	values = thin(values, width)
	low, high := values[0], values[0]
	for _, v := range values {
		low, high = min(low, v), max(high, v)
	}
	bars := []rune("▁▂▃▄▅▆▇█")
	var b strings.Builder
	for _, v := range values {
		i := 0
		if high > low {
			i = min(int((v-low)/(high-low)*float64(len(bars))), len(bars)-1)
		}
		b.WriteRune(bars[i])
	}
	return b.String()
}

// thin averages values to at most n.
func thin(values []float64, n int) []float64 {
	if len(values) <= n {
		return values
	}
	out := make([]float64, n)
	for i := range out {
		from, to := i*len(values)/n, (i+1)*len(values)/n
		for _, v := range values[from:to] {
			out[i] += v / float64(to-from)
		}
	}
	return out
}
