package metrics

// A Rule says which of two validation phases is better. The zero value is ByAccuracy.
type Rule string

// The rules.
const (
	ByAccuracy Rule = "accuracy" // the notebook's rule; of equals, the first
	ByLoss     Rule = "loss"
	ByMacroF1  Rule = "macro-f1" // the mean F1 of the classes; of equals, the one with the lower loss
)

// Rules returns the names of the rules.
func Rules() []string { return []string{string(ByAccuracy), string(ByLoss), string(ByMacroF1)} }

// Better reports whether p is better than best, which is the zero Phase for the first one. By accuracy and F1, a
// phase that got no image right is not better than the zero Phase.
func (r Rule) Better(p, best Phase) bool {
	switch r {
	case ByLoss:
		return best.N == 0 || p.Loss < best.Loss
	case ByMacroF1:
		return p.MacroF1 > best.MacroF1 || p.MacroF1 > 0 && p.MacroF1 == best.MacroF1 && p.Loss < best.Loss
	}
	return p.Acc > best.Acc
}
