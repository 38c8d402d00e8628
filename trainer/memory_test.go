package trainer

import (
	"slices"
	"testing"

	"hymenoptera/torch"
)

// Sets whose batches are alike share tensors, and only those.
func TestMemoryOfBatches(t *testing.T) {
	err := torch.Do(t.Context(), func(s *torch.Scope) error {
		m := &memory{scope: s, device: torch.CPU}
		first := m.batches(2, torch.Float32, []int64{4, 3})
		if again := m.batches(2, torch.Float32, []int64{4, 3}); !slices.Equal(again, first) {
			t.Error("batches that are alike got other tensors")
		}
		for _, other := range [][]*torch.Tensor{
			m.batches(3, torch.Float32, []int64{4, 3}), m.batches(3, torch.Uint8, []int64{4, 3}), m.batches(3, torch.Uint8, []int64{3, 4}),
		} {
			if len(other) != 3 || slices.ContainsFunc(other, func(t *torch.Tensor) bool { return slices.Contains(first, t) }) {
				t.Errorf("%d tensors, of which some are those of other batches", len(other))
			}
			first = other
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
