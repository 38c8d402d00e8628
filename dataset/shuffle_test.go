package dataset

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	"hymenoptera/internal/mt19937"
)

// Orders of samples in shards equal those of torch.randperm and torch.utils.data's Shuffler (scripts/reference_shards.py).
func TestOrdersOfShardsArePyTorchs(t *testing.T) {
	data, err := os.ReadFile("testdata/shards.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []struct {
		Ends                 []int
		World, Epoch, Buffer int
		Seed                 uint64
		Ranks                [][]int
	}
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("no orders")
	}
	for _, c := range all {
		for rank, want := range c.Ranks {
			s := Share{Rank: rank, World: c.World, Seed: c.Seed}
			got := make([]int, s.len(c.Ends[len(c.Ends)-1], true))
			s.drawShards(c.Epoch, c.Ends, got)
			mix(mt19937.NewPython(c.Seed+uint64(c.Epoch)), got, c.Buffer)
			if !slices.Equal(got, want) {
				t.Errorf("rank %d of %d, shards %v, seed %d, epoch %d: got %v, want %v", rank, c.World, c.Ends, c.Seed, c.Epoch, got, want)
			}
		}
	}
}
