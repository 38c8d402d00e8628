package trainer

import (
	"slices"
	"testing"

	"hymenoptera/dataset"
	"hymenoptera/torch"
	"hymenoptera/transforms"
)

// Feeds whose batches are alike share tensors, and only those.
func TestFeedsShareTensors(t *testing.T) {
	folder := &dataset.ImageFolder{Classes: []string{"a"}, Samples: make([]dataset.Sample, 8)}
	first := dataset.LoaderConfig{BatchSize: 4, Workers: 1}
	err := torch.Do(t.Context(), func(s *torch.Scope) error {
		feed := func(size int, cfg dataset.LoaderConfig, other *hostFeed) *hostFeed {
			loader, err := dataset.NewLoader(folder, transforms.Eval(size), cfg)
			if err != nil {
				t.Fatal(err)
			}
			return newHostFeed(s, loader, torch.CPU, other)
		}
		f := feed(8, first, nil)
		if again := feed(8, first, f); !slices.Equal(again.slots, f.slots) {
			t.Error("batches that are alike got other tensors")
		}
		for _, tt := range []struct {
			size int
			cfg  dataset.LoaderConfig
		}{
			{9, first},
			{8, dataset.LoaderConfig{BatchSize: 3, Workers: 1}},
			{8, dataset.LoaderConfig{BatchSize: 4, Workers: 2}},
			{8, dataset.LoaderConfig{BatchSize: 4, Workers: 1, Pixels: true}},
			{8, dataset.LoaderConfig{BatchSize: 4, Workers: 1, ChannelsLast: true}},
		} {
			other := feed(tt.size, tt.cfg, f)
			if len(other.slots) != other.Layout().Slots || slices.ContainsFunc(other.slots, func(t *torch.Tensor) bool { return slices.Contains(f.slots, t) }) {
				t.Errorf("size %d, %+v: %d tensors, of which some are those of other batches", tt.size, tt.cfg, len(other.slots))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
