// Package metrics has the results of trainings and predictions: phases and their history, scores of predictions, and
// confidence intervals. It is pure Go.
//
//	m := metrics.Score(predictions, len(classes))
//	low, high := metrics.Wilson(m.Right, m.N)
//
// The scores equal scikit-learn's, the intervals SciPy's and statsmodels'.
package metrics
