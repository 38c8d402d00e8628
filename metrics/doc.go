// Package metrics has what trainings and predictions come to: phases and their history, scores of predictions, and the
// intervals within which a share may lie. It is pure Go and draws nothing.
//
//	m := metrics.Score(predictions, len(classes))
//	low, high := metrics.Wilson(m.Right, m.N)
//
// The scores equal scikit-learn's, the intervals SciPy's and statsmodels'.
package metrics
