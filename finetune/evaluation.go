package finetune

import (
	"context"
	"fmt"
	"path/filepath"

	"hymenoptera/classify"
	"hymenoptera/internal/version"
	"hymenoptera/metrics"
	"hymenoptera/report"
)

// EvaluationReport returns a page like report.html about an evaluation, on labelled images, of the network in a checkpoint.
func EvaluationReport(ctx context.Context, checkpoint string, card classify.Card, e *classify.Evaluation) (*report.Page, error) {
	folder := filepath.Clean(e.Folder.Root)
	name := filepath.Base(folder)
	if name == "val" {
		name = filepath.Base(filepath.Dir(folder)) + "/val"
	}
	page := &report.Page{Title: fmt.Sprintf("%s on %s", card.Model, name), Classes: card.Classes,
		Evaluated: &e.Phase, Fitted: card.Calibration.Temperature, Files: relativeFiles(e.Folder),
		Config: []report.Field{{Name: "checkpoint", Value: checkpoint}, {Name: "data", Value: folder},
			{Name: "in training", Value: fmt.Sprintf("accuracy %.4f, loss %.4f, in epoch %d", card.Accuracy, card.Loss, card.Epoch)}},
		Machine: []report.Field{{Name: "hymenoptera", Value: version.Own}}}
	for i, p := range e.Predictions {
		page.Predictions = append(page.Predictions, metrics.Prediction{Sample: i, Label: e.Labels[i], Probs: metrics.Softmax(p.Logits)})
	}
	var err error
	page.Thumbnails, err = thumbnails(ctx, e.Folder, card.Preprocessing, page.Predictions)
	return page, err
}
