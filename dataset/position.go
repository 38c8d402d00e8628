package dataset

import (
	"fmt"
	"slices"
)

// A Position is a place in a pass over a loader's samples, between two batches. The zero value is its beginning.
type Position struct {
	Batches int `json:"batches"` // number of batches that Next has returned
	// Drawn has, for each worker, how many words of its stream these batches took. Batches that were made ahead do not
	// count. It is empty if the words come from the main generator.
	Drawn []uint64 `json:"drawn,omitempty"`
}

// Position returns the position after the batches that Next has returned.
func (e *Epoch) Position() Position {
	return Position{Batches: e.delivered, Drawn: slices.Clone(e.drawn)}
}

// mostDrawn is more than the number of words for a sample: a crop takes at most 42, and each augmentation a few more.
const mostDrawn = 1 << 12

// Check returns an error for a position that no pass of this loader reaches.
func (l *Loader) Check(at Position) error {
	if at.Batches < 0 || at.Batches > l.Batches() {
		return fmt.Errorf("dataset: a position after %d batches: an epoch has %d", at.Batches, l.Batches())
	}
	if n := len(at.Drawn); n != l.cfg.Workers && (n != 0 || at.Batches != 0) {
		return fmt.Errorf("dataset: a position of %d workers: the loader has %d", n, l.cfg.Workers)
	}
	for w, n := range at.Drawn {
		if n > mostDrawn*uint64(l.Len()) {
			return fmt.Errorf("dataset: a position after %d words of worker %d: %d samples do not take as many", n, w, l.Len())
		}
	}
	return nil
}
