package dataset

import (
	"errors"
	"fmt"

	"hymenoptera/internal/mt19937"
)

// A Share is the part of each pass that one of World processes takes. A shuffled pass equals that of
// torch.utils.data.DistributedSampler: its order is drawn from Seed plus the epoch (see [Loader.SetEpoch]), and samples from
// its beginning are repeated until all processes have the same number. A pass that is not shuffled has each sample once, so
// the sizes of shares can differ by one.
//
// For a set in shards, a shuffled pass draws the order of the shards from Seed plus the epoch, also for a single process, and
// each process takes a part of the samples.
type Share struct {
	Rank, World int
	Seed        uint64
}

func (s Share) validate(c LoaderConfig) error {
	if s.World > 1 && (s.Rank < 0 || s.Rank >= s.World) {
		return fmt.Errorf("dataset: share %d of %d: want 0 to %d", s.Rank, s.World, s.World-1)
	}
	if s.World > 1 && c.Weights != nil {
		return errors.New("dataset: samples drawn by weights cannot be shared among processes")
	}
	return nil
}

// len returns the number of samples in this share of a set of n.
func (s Share) len(n int, shuffle bool) int {
	switch {
	case s.World <= 1:
		return n
	case shuffle:
		return (n + s.World - 1) / s.World
	default:
		return (n + s.World - 1 - s.Rank) / s.World
	}
}

// draw fills order with the samples in this share of a set of n.
func (s Share) draw(epoch, n int, shuffle bool, order []int) {
	if !shuffle {
		for i := range order {
			order[i] = s.Rank + i*s.World
		}
		return
	}
	all := make([]int, n)
	mt19937.Perm(mt19937.New(s.Seed+uint64(epoch)), all)
	for i := range order {
		order[i] = all[(s.Rank+i*s.World)%n]
	}
}

// SetEpoch sets the number of the epoch, from 0, from which the order of the next pass is drawn. It has an effect with
// several processes, and with shards.
func (l *Loader) SetEpoch(epoch int) { l.epoch = epoch }
