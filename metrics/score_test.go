package metrics

import (
	"testing"
)

// The mean over the classes leaves out those that have no images and were never predicted, as scikit-learn's
// precision_recall_fscore_support(average="macro") does without labels.
func TestMacroOfTheClassesThatAreThere(t *testing.T) {
	right := Prediction{Label: 1, Probs: []float64{0.1, 0.8, 0.1}}
	wrong := Prediction{Label: 1, Probs: []float64{0.9, 0.1, 0}}
	if m := Score([]Prediction{right, right}, 3); m.Macro.Precision != 1 || m.Macro.Recall != 1 || m.Macro.F1 != 1 {
		t.Errorf("all right: mean %+v, want 1", m.Macro)
	}
	if m := Score([]Prediction{right, wrong}, 3); m.Macro.Precision != 0.5 || m.Macro.Recall != 0.25 {
		t.Errorf("one taken for another class: mean %+v, want precision 0.5 and recall 0.25", m.Macro)
	}
}
