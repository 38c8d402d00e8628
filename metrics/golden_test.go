package metrics

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"
)

// goldens has the results of scikit-learn and SciPy for the same numbers, from scripts/make_report_goldens.py.
type goldens struct {
	Sets []struct {
		Labels                []int
		Logits                []float32
		Classes               int
		Confusion             [][]int
		Precision, Recall, F1 []float64
		Support               []int
		Macro, Weighted       [3]float64
		Accuracy, ECE         float64
		Balanced              float64 `json:"balanced_accuracy"`
		Loss                  float64 `json:"log_loss"`
		Bins                  []struct {
			N                    int
			Accuracy, Confidence float64
		}
	}
	Temperatures []struct {
		Labels              []int
		Logits              []float32
		Classes             int
		Temperature         float64
		Before, After       float64 // calibration errors
		Thresholds          []float64
		Precision, Coverage []float64
	}
	Wilson []struct {
		K, N      int
		Low, High float64
	}
	McNemar []struct {
		B, C int
		P    float64
	}
	Newcombe []struct {
		K1, N1, K2, N2 int
		Low, High      float64
	}
}

func readGoldens(t *testing.T) (g goldens) {
	t.Helper()
	data, err := os.ReadFile("../report/testdata/goldens.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// tight is the tolerance for sums of doubles in another order.
const tight = 1e-12

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tight*max(1, math.Abs(want))) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func predictionsOf(labels []int, logits []float32, classes int) (ps []Prediction) {
	for i, label := range labels {
		ps = append(ps, Prediction{Sample: i, Label: label, Probs: Softmax(logits[i*classes : (i+1)*classes])})
	}
	return ps
}

func TestMetricsEqualScikitLearn(t *testing.T) {
	for _, s := range readGoldens(t).Sets {
		ps := predictionsOf(s.Labels, s.Logits, s.Classes)
		m := Score(ps, s.Classes)
		for i := range s.Confusion {
			for j, want := range s.Confusion[i] {
				if m.Confusion[i][j] != want {
					t.Errorf("confusion[%d][%d]: %d, want %d", i, j, m.Confusion[i][j], want)
				}
			}
			near(t, "precision", m.Classes[i].Precision, s.Precision[i])
			near(t, "recall", m.Classes[i].Recall, s.Recall[i])
			near(t, "F1", m.Classes[i].F1, s.F1[i])
			if m.Classes[i].Support != s.Support[i] {
				t.Errorf("support of class %d: %d, want %d", i, m.Classes[i].Support, s.Support[i])
			}
		}
		for i, mean := range []ClassScore{m.Macro, m.Weighted} {
			want := [][3]float64{s.Macro, s.Weighted}[i]
			near(t, "mean precision", mean.Precision, want[0])
			near(t, "mean recall", mean.Recall, want[1])
			near(t, "mean F1", mean.F1, want[2])
		}
		near(t, "accuracy", m.Accuracy, s.Accuracy)
		near(t, "balanced accuracy", m.Balanced, s.Balanced)
		near(t, "log loss", m.Loss, s.Loss)
		bins, ece := Calibration(ps, len(s.Bins))
		near(t, "ECE", ece, s.ECE)
		for i, want := range s.Bins {
			if bins[i].N != want.N {
				t.Errorf("bin %d holds %d, want %d", i, bins[i].N, want.N)
			}
			near(t, "bin's accuracy", bins[i].Accuracy, want.Accuracy)
			near(t, "bin's confidence", bins[i].Confidence, want.Confidence)
		}
	}
}

func TestIntervalsEqualSciPy(t *testing.T) {
	g := readGoldens(t)
	for _, w := range g.Wilson {
		low, high := Wilson(w.K, w.N)
		near(t, "Wilson's low end", low, w.Low)
		near(t, "Wilson's high end", high, w.High)
	}
	for _, m := range g.McNemar {
		if got := McNemar(m.B, m.C); math.Abs(got-m.P) > 1e-9 { // logarithms of factorials
			t.Errorf("McNemar(%d, %d): %v, want %v", m.B, m.C, got, m.P)
		}
	}
	for _, n := range g.Newcombe {
		low, high := Newcombe(n.K1, n.N1, n.K2, n.N2)
		near(t, "Newcombe's low end", low, n.Low)
		near(t, "Newcombe's high end", high, n.High)
	}
}

// TestTemperature compares the temperature with PyTorch's L-BFGS, which ends within its tolerance of the least loss.
func TestTemperature(t *testing.T) {
	for i, g := range readGoldens(t).Temperatures {
		predictions := predictionsOf(g.Labels, g.Logits, g.Classes)
		got := Temperature(predictions)
		if math.Abs(got-g.Temperature) > 1e-7*g.Temperature {
			t.Errorf("set %d: temperature %v, want %v", i, got, g.Temperature)
		}
		_, before := Calibration(predictions, 10)
		_, after := Calibration(AtTemperature(predictions, g.Temperature), 10)
		near(t, "error before", before, g.Before)
		near(t, "error after", after, g.After)
	}
}

// TestCuts compares the cuts with scikit-learn's precision at every confidence.
func TestCuts(t *testing.T) {
	for i, g := range readGoldens(t).Temperatures {
		cuts := Cuts(predictionsOf(g.Labels, g.Logits, g.Classes))
		if len(cuts) < 3 || cuts[0].Coverage != 1 {
			t.Fatalf("set %d: cuts %v: want several, and the first above no prediction", i, cuts)
		}
		for _, c := range cuts {
			k := slices.IndexFunc(g.Thresholds, func(v float64) bool { return math.Abs(v-c.Threshold) < tight })
			if k < 0 {
				t.Fatalf("set %d: %v is no prediction's confidence", i, c.Threshold)
			}
			near(t, "precision", c.Precision, g.Precision[k])
			near(t, "coverage", c.Coverage, g.Coverage[k])
			for _, lower := range g.Precision[:k] {
				if lower >= c.Precision {
					t.Errorf("set %d: a lower threshold than %v has the precision %v", i, c.Threshold, lower)
				}
			}
		}
		if best := cuts[len(cuts)-1].Precision; best < slices.Max(g.Precision)-0.0005 {
			t.Errorf("set %d: the last cut has the precision %v, want %v", i, best, slices.Max(g.Precision))
		}
	}
}

func TestTemperatureThatDoesNotExist(t *testing.T) {
	right := Prediction{Label: 0, Probs: []float64{0.6, 0.4}}
	wrong := Prediction{Label: 1, Probs: []float64{0.6, 0.4}}
	for name, predictions := range map[string][]Prediction{"none": nil, "all right": {right, right}, "mostly wrong": {right, wrong, wrong}} {
		if got := Temperature(predictions); got != 1 {
			t.Errorf("%s: temperature %v, want 1", name, got)
		}
	}
}
