package dataset

import "context"

// shardsAhead is how many shards are fetched before an epoch needs them.
const shardsAhead = 2

// An ahead fetches the shards of an epoch before the epoch needs them, in the same order.
type ahead struct {
	begun  map[*Shard]bool
	tokens chan struct{} // one per shard that may be fetched
	shards []*Shard
}

// newAhead returns nil if no shard needs to be fetched.
func (f *ImageFolder) newAhead(order []int) *ahead {
	if first := f.Samples[0].shard; first == nil || first.Fetch == nil {
		return nil
	}
	a := &ahead{begun: map[*Shard]bool{}, shards: f.shardsOf(order)}
	a.tokens = make(chan struct{}, len(a.shards)+shardsAhead)
	for range shardsAhead {
		a.tokens <- struct{}{}
	}
	return a
}

// run fetches shards until ctx is done or all are here. Errors are returned to the samples that need the shard.
func (a *ahead) run(ctx context.Context) {
	for _, shard := range a.shards {
		select {
		case <-a.tokens:
			shard.fetch(ctx, true)
		case <-ctx.Done():
			return
		}
	}
}

// needs lets run fetch one more shard for each shard that these samples are the first to need.
func (a *ahead) needs(f *ImageFolder, samples []int) {
	for _, shard := range f.shardsOf(samples) {
		if !a.begun[shard] {
			a.begun[shard] = true
			a.tokens <- struct{}{}
		}
	}
}
