package serve

import (
	"context"
	"time"

	"hymenoptera/classify"
)

// An item is one picture on its way through the network.
type item struct {
	ctx    context.Context // of its request
	model  *model
	input  classify.Input
	answer chan answer // with room for one
}

type answer struct {
	prediction classify.Prediction
	err        error
}

// batches passes items through the network, as many together as possible, until the channel is closed.
func (s *Server) batches() {
	var next *item // already taken from the channel
	for {
		if next == nil {
			var ok bool
			if next, ok = <-s.items; !ok {
				return
			}
		}
		var batch []*item
		batch, next = s.collect(next)
		s.compute(batch)
	}
}

// collect returns a batch of first, the items that already wait and those that come within MaxWait. next is an item that was
// taken from the channel but belongs to another model, or nil.
func (s *Server) collect(first *item) (batch []*item, next *item) {
	batch = []*item{first}
	timer := time.NewTimer(s.cfg.MaxWait)
	defer timer.Stop()
	for len(batch) < s.cfg.MaxBatch {
		var it *item
		var ok bool
		select {
		case it, ok = <-s.items:
		default:
			select {
			case it, ok = <-s.items:
			case <-timer.C:
				return batch, nil
			}
		}
		if !ok {
			return batch, nil
		}
		if it.model != first.model {
			return batch, it
		}
		batch = append(batch, it)
	}
	return batch, nil
}

// compute answers a batch. It leaves out items whose request has ended.
func (s *Server) compute(batch []*item) {
	var live []*item
	var inputs []classify.Input
	for _, it := range batch {
		if err := it.ctx.Err(); err != nil {
			it.answer <- answer{err: err}
			continue
		}
		live, inputs = append(live, it), append(inputs, it.input)
	}
	if len(live) == 0 {
		return
	}
	s.metrics.batch.Observe(float64(len(live)))
	predictions, err := live[0].model.PredictInputs(context.Background(), inputs)
	for i, it := range live {
		if err != nil {
			it.answer <- answer{err: err}
		} else {
			it.answer <- answer{prediction: predictions[i]}
		}
	}
}
