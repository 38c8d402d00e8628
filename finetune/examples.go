package finetune

import (
	"context"
	"image"
	"path/filepath"

	"hymenoptera/dataset"
	"hymenoptera/gradcam"
	"hymenoptera/internal/mt19937"
	"hymenoptera/metrics"
	"hymenoptera/report"
	"hymenoptera/run"
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
)

// show adds single validation images to the report, and writes the picture of predictions.
func (r *reporter) show(ctx context.Context, s *torch.Scope, model nn.Module) error {
	order := make([]int, len(r.page.Predictions))
	mt19937.Perm(mt19937.New(r.o.Seed), order) // with its own generator
	bySample := make([]metrics.Prediction, len(order))
	for _, p := range r.page.Predictions {
		bySample[p.Sample] = p
	}
	var chosen []metrics.Prediction
	for _, sample := range order[:min(examples, len(order))] {
		chosen = append(chosen, bySample[sample])
	}
	n := len(chosen)
	chosen = append(chosen, report.MostConfidentMistakes(r.page.Predictions, mistakes)...)
	all, err := r.examples(ctx, s, model, chosen)
	if err != nil {
		return err
	}
	r.page.Examples, r.page.Mistakes = all[:n], all[n:]
	if r.page.Thumbnails, err = thumbnails(ctx, r.set.val, r.validation, r.page.Predictions); err != nil {
		return err
	}
	r.page.Files = relativeFiles(r.set.val)
	return r.picture("predictions.png", report.Predictions(all[:n], r.set.train.Classes))
}

// examples reads the images of predictions again and computes where the network looked.
func (r *reporter) examples(ctx context.Context, s *torch.Scope, model nn.Module, ps []metrics.Prediction) ([]report.Example, error) {
	val, side := r.set.val, r.o.ImageSize
	some := &dataset.ImageFolder{Root: val.Root, Classes: val.Classes}
	var classes []int64
	for _, p := range ps {
		some.Samples = append(some.Samples, val.Samples[p.Sample])
		classes = append(classes, int64(p.Predicted()))
	}
	loader, err := dataset.NewLoader(some, r.validation, dataset.LoaderConfig{BatchSize: len(ps)})
	if err != nil {
		return nil, err
	}
	epoch := loader.Epoch(ctx, mt19937.New(r.o.Seed))
	defer epoch.Close()
	b, err := epoch.Next(ctx)
	if err != nil {
		return nil, err
	}
	defer b.Release()
	var maps []gradcam.Map
	if net, ok := r.mode.Inference(s, model).(gradcam.Network); ok { // with Fast, in the form used in validation
		images := torch.FromFloat32s(s, b.Images, int64(b.N), 3, int64(side), int64(side))
		if maps, err = gradcam.Compute(s, net, torch.To(s, images, r.mode.Device), classes); err != nil {
			return nil, err
		}
	}
	var out []report.Example
	files := relativeFiles(r.set.val)
	for i, p := range ps {
		each := len(b.Images) / b.N
		e := report.Example{Prediction: p, File: files[p.Sample], Picture: report.Picture(b.Images[i*each:(i+1)*each], side, side, r.validation)}
		if maps != nil {
			e.CAM, e.CAMSize = maps[i].Values, image.Pt(maps[i].Width, maps[i].Height)
		}
		out = append(out, e)
	}
	return out, nil
}

// relativeFiles returns the paths of a set's images below its folder.
func relativeFiles(set *dataset.ImageFolder) []string {
	files := make([]string, len(set.Samples))
	for i, sample := range set.Samples {
		files[i] = sample.Path
		if rel, err := filepath.Rel(set.Root, sample.Path); err == nil {
			files[i] = filepath.ToSlash(rel)
		}
	}
	return files
}

// predictions writes predictions.json.
func (r *reporter) predictions() error {
	ps, files := []run.Prediction{}, relativeFiles(r.set.val)
	for _, p := range r.page.Predictions {
		ps = append(ps, run.Prediction{File: files[p.Sample], Label: r.set.train.Classes[p.Label],
			Predicted: r.set.train.Classes[p.Predicted()], Confidence: p.Confidence()})
	}
	return r.folder.WritePredictions(ps)
}
