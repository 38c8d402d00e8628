package report

import (
	"math"
	"strconv"

	"gonum.org/v1/plot"
)

// wholeTicks returns at most about n whole numbers from 0 to high, evenly spaced.
func wholeTicks(high float64, n int) (at []float64) {
	step := max(niceStep(high/float64(n)), 1)
	for v := 0.0; v <= high; v += step {
		at = append(at, v)
	}
	return at
}

// ticks returns at most about n round numbers from low to high and how many digits they need.
func ticks(low, high float64, n int) (at []float64, digits int) {
	step := niceStep((high - low) / float64(n))
	// float64(…): without it, arm64 fuses the product with the sum.
	digits = max(0, int(math.Ceil(-float64(math.Log10(step))-1e-9)))
	for i := math.Ceil(low/step - 1e-9); float64(i*step) <= high+float64(1e-9*step); i++ {
		at = append(at, float64(i*step)+0) // + 0: no -0
	}
	return at, digits
}

// niceStep returns the least of …, 0.1, 0.2, 0.5, 1, 2, 5, 10, … that is not below v.
func niceStep(v float64) float64 {
	if !(v > 0) || math.IsInf(v, 0) {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(v)))
	for _, f := range []float64{1, 2, 5} {
		if f*unit >= v*(1-1e-9) {
			return f * unit
		}
	}
	return 10 * unit
}

func epochTicks(_, high float64) (out []plot.Tick) {
	for _, v := range wholeTicks(high, 10) {
		out = append(out, plot.Tick{Value: v, Label: strconv.Itoa(int(v))})
	}
	return out
}

func valueTicks(low, high float64) (out []plot.Tick) {
	at, digits := ticks(low, high, 8)
	for _, v := range at {
		out = append(out, plot.Tick{Value: v, Label: strconv.FormatFloat(v, 'f', digits, 64)})
	}
	return out
}

// shortest writes a number with at most six digits.
func shortest(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }
