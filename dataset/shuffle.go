package dataset

import "hymenoptera/internal/mt19937"

// shuffleBuffer is how many samples of a set in shards are mixed: the default of torch.utils.data's Shuffler.
const shuffleBuffer = 10_000

// drawShards fills order with the samples of an epoch of a set in shards, so that each shard is read roughly from
// beginning to end, within a few thousand samples. From the seed of the share plus the epoch it draws the order of the
// shards (torch.randperm), takes the process's part of the samples in that order, and mixes it in a buffer
// (torch.utils.data.datapipes.iter.Shuffler).
func (l *Loader) drawShards(order []int) {
	l.cfg.Share.drawShards(l.epoch, l.folder.perShard(), order)
	mix(mt19937.NewPython(l.cfg.Share.Seed+uint64(l.epoch)), order, shuffleBuffer)
}

// drawShards fills order with the process's part of the samples. ends has the index after the last sample of each shard.
func (s Share) drawShards(epoch int, ends, order []int) {
	shards := make([]int, len(ends))
	mt19937.Perm(mt19937.New(s.Seed+uint64(epoch)), shards)
	all := make([]int, 0, ends[len(ends)-1])
	for _, shard := range shards {
		from := 0
		if shard > 0 {
			from = ends[shard-1]
		}
		for i := from; i < ends[shard]; i++ {
			all = append(all, i)
		}
	}
	for i := range order {
		order[i] = all[(s.Rank*len(order)+i)%len(all)]
	}
}

// mix shuffles samples in place with a buffer that holds some of them at a time.
func mix(rng mt19937.Source, order []int, size int) {
	buffer := make([]int, 0, min(size, len(order)))
	next := 0
	for _, sample := range order {
		if len(buffer) < size {
			buffer = append(buffer, sample)
			continue
		}
		i := mt19937.PythonIntN(rng, len(buffer))
		order[next], buffer[i] = buffer[i], sample
		next++
	}
	for ; next < len(order); next++ {
		i := mt19937.PythonIntN(rng, len(buffer))
		order[next] = buffer[i]
		buffer = append(buffer[:i], buffer[i+1:]...) // like list.pop: the rest keeps its order
	}
}
