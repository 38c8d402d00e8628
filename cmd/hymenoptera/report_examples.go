package main

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
	"hymenoptera/transforms"
)

// show makes the pictures of single validation images.
func (r *reporter) show(ctx context.Context, s *torch.Scope) error {
	order := make([]int, len(r.page.Predictions))
	mt19937.Perm(mt19937.New(r.job.Seed), order) // a generator of its own
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
	all, err := r.examples(ctx, s, chosen)
	if err != nil {
		return err
	}
	r.page.Examples, r.page.Mistakes = all[:n], all[n:]
	return r.picture("predictions.png", report.Predictions(all[:n], r.job.classes))
}

// examples reads the images of predictions again and looks where the network looked.
func (r *reporter) examples(ctx context.Context, s *torch.Scope, ps []metrics.Prediction) ([]report.Example, error) {
	val, side := r.job.sets[1], r.job.ImageSize
	some := &dataset.ImageFolder{Root: val.Root, Classes: val.Classes}
	var classes []int64
	for _, p := range ps {
		some.Samples = append(some.Samples, val.Samples[p.Sample])
		classes = append(classes, int64(p.Predicted()))
	}
	tf := transforms.Eval(side)
	loader, err := dataset.NewLoader(some, tf, dataset.LoaderConfig{BatchSize: len(ps)})
	if err != nil {
		return nil, err
	}
	epoch := loader.Epoch(ctx, mt19937.New(r.job.Seed))
	defer epoch.Close()
	b, err := epoch.Next(ctx)
	if err != nil {
		return nil, err
	}
	defer b.Release()
	var maps []gradcam.Map
	if net, ok := r.looked(s); ok {
		images := torch.FromFloat32s(s, b.Images, int64(b.N), 3, int64(side), int64(side))
		if maps, err = gradcam.Compute(s, net, torch.To(s, images, r.job.mode.Device), classes); err != nil {
			return nil, err
		}
	}
	var out []report.Example
	for i, p := range ps {
		each := len(b.Images) / b.N
		e := report.Example{Prediction: p, File: r.file(p.Sample), Picture: report.Picture(b.Images[i*each:(i+1)*each], side, side, tf)}
		if maps != nil {
			e.CAM, e.CAMSize = maps[i].Values, image.Pt(maps[i].Width, maps[i].Height)
		}
		out = append(out, e)
	}
	return out, nil
}

// looked returns the network whose Grad-CAM is shown: with --fast in the form that validated.
func (r *reporter) looked(s *torch.Scope) (net gradcam.Network, ok bool) {
	net, ok = r.job.mode.Inference(s, r.job.model).(gradcam.Network)
	return net, ok
}

// file returns a validation image's path below the set's folder.
func (r *reporter) file(sample int) string {
	val := r.job.sets[1]
	rel, err := filepath.Rel(val.Root, val.Samples[sample].Path)
	if err != nil {
		return val.Samples[sample].Path
	}
	return filepath.ToSlash(rel)
}

// predictions writes predictions.json.
func (r *reporter) predictions() error {
	ps := []run.Prediction{}
	for _, p := range r.page.Predictions {
		ps = append(ps, run.Prediction{File: r.file(p.Sample), Label: r.job.classes[p.Label],
			Predicted: r.job.classes[p.Predicted()], Confidence: p.Confidence()})
	}
	return r.job.folder.WritePredictions(ps)
}
