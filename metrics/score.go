package metrics

import (
	"math"
	"slices"
)

// A Prediction is the network's answer for one image.
type Prediction struct {
	Sample int       // index into the set's samples
	Label  int       // the true class
	Probs  []float64 // one per class, summing to 1
}

// Predicted returns the class with the highest probability, the first of several.
func (p Prediction) Predicted() int { return ArgMax(p.Probs) }

// ArgMax returns the index of the largest value, the first of several.
func ArgMax[F float32 | float64](values []F) (best int) {
	for i, v := range values {
		if v > values[best] {
			best = i
		}
	}
	return best
}

// Order returns the indices 0 to n-1, sorted stably by the comparison before, as [slices.SortStableFunc] does.
func Order(n int, before func(a, b int) int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, before)
	return order
}

// Confidence returns the probability of the predicted class.
func (p Prediction) Confidence() float64 { return p.Probs[p.Predicted()] }

// Right reports whether the predicted class is the true one.
func (p Prediction) Right() bool { return p.Predicted() == p.Label }

// Softmax returns the probabilities of logits, computed in float64.
func Softmax(logits []float32) []float64 {
	probs := make([]float64, len(logits))
	largest, sum := math.Inf(-1), 0.0
	for _, v := range logits {
		largest = max(largest, float64(v))
	}
	for i, v := range logits {
		probs[i] = math.Exp(float64(v) - largest)
		sum += probs[i]
	}
	for i := range probs {
		probs[i] /= sum
	}
	return probs
}

// A ClassScore holds the scores of one class. As in scikit-learn with zero_division=0, a score whose denominator is 0
// is 0.
type ClassScore struct {
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
	F1        float64 `json:"f1"`
	Support   int     `json:"images"`    // of the class
	Predicted int     `json:"predicted"` // images that were predicted as this class
}

// Metrics are the scores of a set of predictions.
type Metrics struct {
	N, Right  int
	Accuracy  float64
	Balanced  float64 // mean recall of the classes that have images
	Loss      float64 // mean cross entropy, without weights or smoothing
	Confusion [][]int // [true class][predicted class]
	Classes   []ClassScore
	Macro     ClassScore // mean over the classes that have images or were predicted, as scikit-learn's
	Weighted  ClassScore // mean over the classes, weighted by their support
}

// Score computes the scores of predictions for the given number of classes.
func Score(predictions []Prediction, classes int) Metrics {
	m := Metrics{N: len(predictions), Confusion: make([][]int, classes), Classes: make([]ClassScore, classes)}
	for i := range m.Confusion {
		m.Confusion[i] = make([]int, classes)
	}
	for _, p := range predictions {
		m.Confusion[p.Label][p.Predicted()]++
		// The smallest double keeps a probability of 0 finite.
		m.Loss -= math.Log(max(p.Probs[p.Label], math.SmallestNonzeroFloat64))
	}
	m.Loss /= float64(max(m.N, 1))
	m.score()
	return m
}

// MacroF1 returns the mean F1 of the classes that have images or were predicted, by [true class][predicted class].
func MacroF1(confusion [][]int) float64 {
	m := Metrics{Confusion: confusion, Classes: make([]ClassScore, len(confusion))}
	for _, row := range confusion {
		for _, n := range row {
			m.N += n
		}
	}
	m.score()
	return m.Macro.F1
}

// score computes the scores from N and Confusion.
func (m *Metrics) score() {
	for label, row := range m.Confusion {
		m.Right += row[label]
		for guess, n := range row {
			m.Classes[label].Support += n
			m.Classes[guess].Predicted += n
		}
	}
	m.Accuracy = Ratio(m.Right, m.N)
	present, seen := 0, 0
	for _, c := range m.Classes {
		if c.Support+c.Predicted > 0 {
			seen++
		}
	}
	for i := range m.Classes {
		c := &m.Classes[i]
		right := m.Confusion[i][i]
		c.Precision, c.Recall = Ratio(right, c.Predicted), Ratio(right, c.Support)
		c.F1 = Ratio(2*right, c.Predicted+c.Support)
		m.Macro.add(*c, 1/float64(max(seen, 1)))
		m.Weighted.add(*c, Ratio(c.Support, m.N))
		if c.Support > 0 {
			present++
			m.Balanced += c.Recall
		}
	}
	m.Balanced /= float64(max(present, 1))
}

// add adds share times another score.
func (s *ClassScore) add(o ClassScore, share float64) {
	// float64(…): without it, arm64 fuses the product with the sum.
	s.Precision += float64(share * o.Precision)
	s.Recall += float64(share * o.Recall)
	s.F1 += float64(share * o.F1)
	s.Support += o.Support
	s.Predicted += o.Predicted
}

// Ratio returns a/b, or 0 if b is 0.
func Ratio(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// A Bin holds the predictions whose confidence lies in (Low, High].
type Bin struct {
	Low, High            float64
	N                    int
	Confidence, Accuracy float64 // means; 0 if there are no predictions
}

// Calibration sorts predictions by confidence into bins of equal width. It returns the bins and the expected
// calibration error: the mean difference between a bin's confidence and its accuracy, weighted by its size (Guo et
// al., "On Calibration of Modern Neural Networks", 2017, equation 3).
func Calibration(predictions []Prediction, bins int) (rows []Bin, ece float64) {
	rows = make([]Bin, bins)
	for i := range rows {
		rows[i].Low, rows[i].High = float64(i)/float64(bins), float64(i+1)/float64(bins)
	}
	for _, p := range predictions {
		c := p.Confidence()
		i := min(max(int(math.Ceil(c*float64(bins)))-1, 0), bins-1)
		rows[i].N++
		rows[i].Confidence += c
		if p.Right() {
			rows[i].Accuracy++
		}
	}
	for i := range rows {
		if b := &rows[i]; b.N > 0 {
			b.Confidence /= float64(b.N)
			b.Accuracy /= float64(b.N)
			ece += float64(Ratio(b.N, len(predictions)) * math.Abs(b.Accuracy-b.Confidence))
		}
	}
	return rows, ece
}
