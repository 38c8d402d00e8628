package metrics

import (
	"math"
	"testing"
)

func TestRulesChoose(t *testing.T) {
	h := History{
		{Epoch: 0, Name: "val", N: 9},
		{Epoch: 1, Name: "val", N: 9, Loss: 0.8, Acc: 0.9, MacroF1: 0.5},
		{Epoch: 2, Name: "val", N: 9, Loss: 0.4, Acc: 0.8, MacroF1: 0.6},
		{Epoch: 3, Name: "val", N: 9, Loss: 0.3, Acc: 0.9, MacroF1: 0.6},
		{Epoch: 4, Name: "val", N: 9, Loss: 0.3, Acc: 0.7, MacroF1: 0.6},
		{Epoch: 5, Name: "val", N: 9, Loss: 0.2, Acc: 0.1, MacroF1: 0.1},
	}
	h[0].Loss = 9
	for rule, want := range map[Rule]int{"": 1, ByAccuracy: 1, ByMacroF1: 3, ByLoss: 5} {
		if got, ok := h.Best(rule); got.Epoch != want || !ok {
			t.Errorf("%q: got epoch %d, %v, want %d", rule, got.Epoch, ok, want)
		}
	}
	for rule, want := range map[Rule]bool{ByAccuracy: false, ByMacroF1: false, ByLoss: true} {
		if _, got := h[:1].Best(rule); got != want {
			t.Errorf("%q: an epoch that got nothing right is the best: %v, want %v", rule, got, want)
		}
	}
	if tied := h.Tied(ByAccuracy); tied == nil || tied.Epoch != 3 {
		t.Errorf("by accuracy: got %+v, want epoch 3", tied)
	}
	if tied := h.Tied(ByMacroF1); tied != nil {
		t.Errorf("by F1 the loss decides between equals: got %+v", tied)
	}
}

// The F1 of two classes of three is 2/3 and 4/5; the third has no images and is predicted by none.
func TestMacroF1(t *testing.T) {
	if got, want := MacroF1([][]int{{1, 1, 0}, {0, 2, 0}, {0, 0, 0}}), (2./3+4./5)/2; math.Abs(got-want) > 1e-15 {
		t.Errorf("got %v, want %v", got, want)
	}
}
