package finetune

import (
	"cmp"
	"context"
	"slices"

	"hymenoptera/dataset"
	"hymenoptera/internal/machine"
	"hymenoptera/internal/mt19937"
	"hymenoptera/metrics"
	"hymenoptera/report"
	"hymenoptera/transforms"
)

const (
	mostThumbnails = 500
	rightOnes      = 100 // beside the mistakes
)

// thumbnails makes small pictures of the mistakes, the most confident first, and of the least confident right answers.
// transform is that of validation.
func thumbnails(ctx context.Context, set *dataset.ImageFolder, transform transforms.Transform, predictions []metrics.Prediction) (map[int]report.Thumbnail, error) {
	chosen := report.MostConfidentMistakes(predictions, mostThumbnails)
	right := slices.DeleteFunc(slices.Clone(predictions), func(p metrics.Prediction) bool { return !p.Right() })
	slices.SortStableFunc(right, func(a, b metrics.Prediction) int { return cmp.Compare(a.Confidence(), b.Confidence()) })
	chosen = append(chosen, right[:min(len(right), rightOnes, mostThumbnails-len(chosen))]...)
	some := &dataset.ImageFolder{Root: set.Root, Classes: set.Classes}
	for _, p := range chosen {
		some.Samples = append(some.Samples, set.Samples[p.Sample])
	}
	loader, err := dataset.NewLoader(some, transform, dataset.LoaderConfig{BatchSize: 16, Workers: machine.This().Processors()})
	if err != nil {
		return nil, err
	}
	epoch := loader.Epoch(ctx, mt19937.New(0))
	defer epoch.Close()
	out, bytes, side := map[int]report.Thumbnail{}, 0, transform.Size
	for bytes < report.ThumbnailBytes && len(out) < len(chosen) {
		b, err := epoch.Next(ctx)
		if err != nil {
			return out, err
		}
		each := len(b.Images) / b.N
		for i := range b.N {
			t, err := report.NewThumbnail(report.Picture(b.Images[i*each:(i+1)*each], side, side, transform))
			if err != nil {
				b.Release()
				return out, err
			}
			out[chosen[b.Indices[i]].Sample] = t
			bytes += len(t)
		}
		b.Release()
	}
	return out, nil
}
