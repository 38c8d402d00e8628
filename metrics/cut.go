package metrics

import (
	"cmp"
	"slices"
)

// A Cut divides predictions into those at least as confident as Threshold and the rest, whose answer would be "unsure".
type Cut struct {
	Threshold float64 `json:"threshold"`
	Precision float64 `json:"precision"` // share of the confident predictions that are right
	Coverage  float64 `json:"coverage"`  // share of all predictions that are confident
}

// Cuts returns, from the lowest threshold on, the cuts that are more precise than every cut before them. So the first cut
// with at least a given precision has the highest coverage. Their precisions differ by more than 0.0005, except that the
// first cut with precision 1 is always included, so there are at most about 2,000.
func Cuts(predictions []Prediction) (cuts []Cut) {
	order := slices.Clone(predictions)
	slices.SortStableFunc(order, func(a, b Prediction) int { return cmp.Compare(a.Confidence(), b.Confidence()) })
	right := 0
	for _, p := range order {
		if p.Right() {
			right++
		}
	}
	for i, p := range order {
		if left := len(order) - i; i == 0 || p.Confidence() > order[i-1].Confidence() {
			c := Cut{p.Confidence(), Ratio(right, left), Ratio(left, len(order))}
			switch n := len(cuts); {
			case n == 0 || c.Precision > cuts[n-1].Precision+0.0005, c.Precision == 1 && cuts[n-1].Precision < 1:
				cuts = append(cuts, c)
			}
		}
		if p.Right() {
			right--
		}
	}
	return cuts
}
