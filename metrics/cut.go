package metrics

import (
	"cmp"
	"slices"
)

// A Cut divides predictions into those at least as confident as Threshold and the rest, whose answer would be "unsure".
type Cut struct {
	Threshold float64 `json:"threshold"`
	Precision float64 `json:"precision"` // share of the confident ones that is right
	Coverage  float64 `json:"coverage"`  // share that is confident
}

// Cuts returns, from the lowest threshold, the cuts that are more precise than every one below: the first with at least some
// precision is the one that leaves most answers. Two differ by more than 0.0005 in precision, so that there are at most 2,000;
// the last one has the highest precision of all.
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
