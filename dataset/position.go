package dataset

import (
	"fmt"
	"slices"
)

// A Position is a place in a pass over a loader's samples, between two batches. The zero value is its beginning.
type Position struct {
	Batches int `json:"batches"` // that Next has returned
	// Drawn has, for each worker, how many words of its stream went into these batches. Batches that were made ahead do
	// not count. Where the words come from the main generator, it is empty.
	Drawn []uint64 `json:"drawn,omitempty"`
}

// Position returns how far Next has come.
func (e *Epoch) Position() Position {
	return Position{Batches: e.delivered, Drawn: slices.Clone(e.drawn)}
}

// mostDrawn is more words than a sample takes: a crop takes at most 42, and each augmentation a few more.
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
