package dataset

import (
	"image"

	"hymenoptera/internal/mt19937"
)

// PlanEpoch draws the same random numbers as [Loader.Epoch] but returns plans instead of pixels, for callers that crop on the
// device. sizes are the sizes of the samples' pictures. Without workers the crops come from main, all at once.
func (l *Loader) PlanEpoch(main Source, sizes []image.Point) []PlannedBatch {
	order := make([]int, l.Len())
	base := l.draw(main, order)
	sources := []Source{main}
	if l.cfg.Workers > 0 {
		sources = sources[:0]
		for w := range l.cfg.Workers {
			sources = append(sources, mt19937.New(base+uint64(w)))
		}
	}
	var batches []PlannedBatch
	for k := range l.Batches() {
		b := PlannedBatch{Indices: l.indices(order, k)}
		for _, i := range b.Indices {
			b.Labels = append(b.Labels, int64(l.folder.Samples[i].Label))
			b.Plans = append(b.Plans, l.tf.Plan(sizes[i].X, sizes[i].Y, sources[k%len(sources)]))
		}
		batches = append(batches, b)
	}
	return batches
}

// draw draws an epoch's order and returns the workers' base seed.
func (l *Loader) draw(main Source, order []int) (base uint64) {
	base = uint64(mt19937.Int64(main))
	switch {
	case l.cfg.Shuffle && l.folder.Sharded():
		l.drawShards(order)
	case l.cfg.Share.World > 1:
		l.cfg.Share.draw(l.epoch, l.Samples(), l.cfg.Shuffle, order)
	case l.cfg.Weights != nil:
		mt19937.Multinomial(main, l.cfg.Weights, order)
	case l.cfg.Shuffle:
		mt19937.Perm(mt19937.New(uint64(mt19937.Int64(main))), order)
	default:
		for i := range order {
			order[i] = i
		}
	}
	return base
}
