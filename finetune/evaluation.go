package finetune

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"

	"hymenoptera/classify"
	"hymenoptera/metrics"
	"hymenoptera/report"
)

// EvaluationReport returns the page of report.html for an evaluation of a network on labelled images.
func EvaluationReport(ctx context.Context, card classify.Card, e *classify.Evaluation) ([]byte, error) {
	page := report.Page{Title: fmt.Sprintf("%s on %s", card.Model, filepath.Base(filepath.Clean(e.Folder.Root))), Classes: card.Classes,
		Evaluated: &e.Phase, Fitted: card.Calibration.Temperature, Files: relativeFiles(e.Folder)}
	for i, p := range e.Predictions {
		page.Predictions = append(page.Predictions, metrics.Prediction{Sample: i, Label: e.Labels[i], Probs: metrics.Softmax(p.Logits)})
	}
	var err error
	if page.Thumbnails, err = thumbnails(ctx, e.Folder, card.Preprocessing, page.Predictions); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = page.Write(&b)
	return b.Bytes(), err
}
