package dataset

import (
	"encoding/json"
	"os"
	"slices"
	"testing"
)

// Shares equal those of torch.utils.data.DistributedSampler, which scripts/make_goldens.py stores.
func TestSharesAreDistributedSamplers(t *testing.T) {
	data, err := os.ReadFile("testdata/shares.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []struct {
		Samples, World, Epoch int
		Seed                  uint64
		Ranks                 [][]int
	}
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("no shares")
	}
	for _, c := range all {
		for rank, want := range c.Ranks {
			s := Share{Rank: rank, World: c.World, Seed: c.Seed}
			got := make([]int, s.len(c.Samples, true))
			s.draw(c.Epoch, c.Samples, true, got)
			if !slices.Equal(got, want) {
				t.Errorf("rank %d of %d, %d samples, seed %d, epoch %d: got %v, want %v", rank, c.World, c.Samples, c.Seed, c.Epoch, got, want)
			}
		}
	}
}

// Without shuffling each sample is in exactly one share.
func TestSharesInOrderHaveEachSampleOnce(t *testing.T) {
	for _, n := range []int{1, 4, 5, 9} {
		seen := make([]int, n)
		for rank := range 4 {
			s := Share{Rank: rank, World: 4}
			order := make([]int, s.len(n, false))
			s.draw(3, n, false, order)
			if !slices.IsSorted(order) {
				t.Errorf("%d samples: rank %d has %v", n, rank, order)
			}
			for _, i := range order {
				seen[i]++
			}
		}
		if slices.Min(seen) != 1 || slices.Max(seen) != 1 {
			t.Errorf("%d samples: each occurs %v times", n, seen)
		}
	}
}

func TestSharesAreChecked(t *testing.T) {
	for _, cfg := range []LoaderConfig{
		{BatchSize: 1, Share: Share{Rank: 2, World: 2}},
		{BatchSize: 1, Share: Share{Rank: -1, World: 2}},
		{BatchSize: 1, Share: Share{Rank: 0, World: 2}, Weights: []float64{1}},
	} {
		if err := cfg.validate(); err == nil {
			t.Errorf("%+v: no error", cfg)
		}
	}
}
