package check

import (
	"cmp"
	"slices"

	"hymenoptera/dataset"
	"hymenoptera/metrics"
)

// Labels is the result of comparing the labels with the answers of a network that was not trained with these pictures.
type Labels struct {
	Folds    int       `json:"folds"`
	N        int       `json:"n"`
	Corrects int       `json:"corrects"`
	Accuracy float64   `json:"accuracy"`
	Low      float64   `json:"low"` // 95 % interval
	High     float64   `json:"high"`
	Suspects []Suspect `json:"suspects"` // likely label errors, the likeliest first
}

// A Suspect is a picture whose label is likely wrong.
type Suspect struct {
	Path       string  `json:"path"`
	Class      string  `json:"class"`
	Instead    string  `json:"instead"`    // the likeliest other class
	Confidence float64 `json:"confidence"` // probability of Instead
	Quality    float64 `json:"quality"`    // probability of Class
}

// folds is how many parts the pictures are divided into for cross-validation.
const folds = 10

// readable returns the pictures that can be decoded as one folder, and their indices.
func (s *set) readable() (f *dataset.ImageFolder, indices []int) {
	f = &dataset.ImageFolder{Root: s.data, Classes: s.classes}
	for i := range s.files {
		if s.pictures[i].err == nil {
			f.Samples = append(f.Samples, dataset.Sample{Path: s.full(i), Label: s.files[i].class})
			indices = append(indices, i)
		}
	}
	return f, indices
}

// divide returns a fold for each picture. Linked pictures get the same one, and each class has about as many in all folds.
func (s *set) divide(indices []int, joined *forest) (fold []int) {
	counts := make([][folds]int, len(s.classes))
	of := map[int]int{} // the fold of a group
	for _, i := range indices {
		class, root := s.files[i].class, joined.root(i)
		k, there := of[root]
		if !there {
			k = slices.Index(counts[class][:], slices.Min(counts[class][:]))
			of[root] = k
		}
		counts[class][k]++
		fold = append(fold, k)
	}
	return fold
}

// labels compares the probabilities of pictures, by their indices, with their labels.
func (s *set) labels(indices []int, probs [][]float64) *Labels {
	l := &Labels{Folds: folds}
	given := make([]int, len(indices))
	for k, i := range indices {
		given[k] = s.files[i].class
		l.N++
		if metrics.ArgMax(probs[k]) == given[k] {
			l.Corrects++
		}
	}
	l.Accuracy = metrics.Ratio(l.Corrects, l.N)
	l.Low, l.High = metrics.Wilson(l.Corrects, l.N)
	for _, k := range LabelIssues(probs, given) {
		other := likeliest(probs[k], given[k])
		f := s.files[indices[k]]
		l.Suspects = append(l.Suspects, Suspect{f.path, s.classes[f.class], s.classes[other], probs[k][other], probs[k][given[k]]})
	}
	return l
}

// LabelIssues returns the samples whose labels are likely wrong, the likeliest first, by their probabilities N×classes from
// networks that were not trained with them. It is confident learning (Northcutt, Jiang and Chuang, 2021), with the result of
// cleanlab's find_label_issues with filter_by="low_self_confidence" and return_indices_ranked_by="self_confidence".
func LabelIssues(probs [][]float64, labels []int) (issues []int) {
	if len(probs) == 0 || len(probs[0]) < 2 {
		return nil
	}
	n := 0
	thresholds := confidentThresholds(probs, labels)
	for i, p := range probs {
		if guess, ok := confidentGuess(p, thresholds); ok && guess != labels[i] && !agrees(p, labels[i]) {
			n++
		}
	}
	return metrics.Order(len(probs), func(a, b int) int { return cmp.Compare(probs[a][labels[a]], probs[b][labels[b]]) })[:n]
}

// fuzzy is cleanlab's tolerance of comparisons.
const fuzzy = 1e-6

// confidentThresholds returns for each class its mean probability among the samples with its label.
func confidentThresholds(probs [][]float64, labels []int) []float64 {
	thresholds, counts := make([]float64, len(probs[0])), make([]int, len(probs[0]))
	for i, p := range probs {
		thresholds[labels[i]] += p[labels[i]]
		counts[labels[i]]++
	}
	for k, n := range counts {
		if thresholds[k] = max(thresholds[k]/float64(max(n, 1)), 2*fuzzy); n == 0 {
			thresholds[k] = 2 // above any probability
		}
	}
	return thresholds
}

// confidentGuess returns the class whose threshold p reaches, the likeliest if there are several, or false if there is none.
func confidentGuess(p, thresholds []float64) (class int, ok bool) {
	reached := 0
	for k := range p {
		if p[k] >= thresholds[k]-fuzzy {
			if reached == 0 {
				class = k
			}
			reached++
		}
	}
	if reached > 1 {
		class = metrics.ArgMax(p)
	}
	return class, reached > 0
}

// agrees reports whether the label is the likeliest class, or equally likely.
func agrees(p []float64, label int) bool {
	q := slices.Clone(p)
	q[label] += fuzzy
	return metrics.ArgMax(q) == label
}

// likeliest returns the likeliest class other than but.
func likeliest(p []float64, but int) int {
	best := -1
	for k := range p {
		if k != but && (best < 0 || p[k] > p[best]) {
			best = k
		}
	}
	return best
}
