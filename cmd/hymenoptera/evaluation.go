package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"hymenoptera/classify"
	"hymenoptera/internal/text"
	"hymenoptera/metrics"
	"hymenoptera/report"
)

// An evaluation is the output of eval.
type evaluation struct {
	Checkpoint string    `json:"checkpoint"`
	Data       string    `json:"data"`
	N          int       `json:"n"`
	Loss       float64   `json:"loss"` // by the criterion of the training
	Acc        float64   `json:"acc"`
	Corrects   int       `json:"corrects"`
	Low        float64   `json:"acc_low"` // 95 % interval
	High       float64   `json:"acc_high"`
	Seconds    float64   `json:"seconds"`
	TTA        string    `json:"tta,omitempty"`  // flip
	Sure       *sureness `json:"sure,omitempty"` // with a threshold
	ECE        float64   `json:"ece"`            // expected calibration error, in 10 bins
	// Temperature is the checkpoint's, and CalibratedECE the calibration error at it; 0 if there is none.
	Temperature   float64      `json:"temperature,omitempty"`
	CalibratedECE float64      `json:"calibrated_ece,omitempty"`
	Classes       []classScore `json:"classes"`
	Confusion     [][]int      `json:"confusion"` // [true class][predicted class]
	// Tied is a later epoch of the training with the same accuracy as the saved one and a lower loss.
	Tied    *metrics.Phase `json:"tied,omitempty"`
	trained classify.Card
	mean    metrics.ClassScore // mean over the classes
}

// sureness is the share of answers above a threshold, and how many of these are right.
type sureness struct {
	metrics.Cut
	N     int `json:"n"`
	Right int `json:"corrects"`
}

type classScore struct {
	Name string `json:"name"`
	metrics.ClassScore
}

// newEvaluation returns the output for the results of a classifier.
func newEvaluation(c *classify.Classifier, result *classify.Evaluation) *evaluation {
	e := &evaluation{Data: result.Folder.Root, N: result.N, Loss: result.Loss, Acc: result.Acc, Corrects: result.Corrects,
		Seconds: result.Seconds, trained: c.Card}
	var predictions []metrics.Prediction
	for i, p := range result.Predictions {
		predictions = append(predictions, metrics.Prediction{Sample: i, Label: result.Labels[i], Probs: metrics.Softmax(p.Logits)})
	}
	if c.Cut.Threshold > 0 {
		e.Sure = newSureness(c.Cut.Threshold, result)
	}
	_, e.ECE = metrics.Calibration(predictions, report.CalibrationBins)
	if t := c.Calibration.Temperature; t != 0 {
		e.Temperature = t
		_, e.CalibratedECE = metrics.Calibration(metrics.AtTemperature(predictions, t), report.CalibrationBins)
	}
	scores := metrics.Score(predictions, len(c.Classes))
	e.Low, e.High = metrics.Wilson(e.Corrects, e.N)
	e.Confusion, e.mean = scores.Confusion, scores.Macro
	for i, s := range scores.Classes {
		e.Classes = append(e.Classes, classScore{c.Classes[i], s})
	}
	return e
}

func newSureness(threshold float64, e *classify.Evaluation) *sureness {
	s := &sureness{}
	for i, p := range e.Predictions {
		if p.Unsure {
			continue
		}
		s.N++
		if p.Best() == e.Labels[i] {
			s.Right++
		}
	}
	s.Cut = metrics.Cut{Threshold: threshold, Precision: metrics.Ratio(s.Right, s.N), Coverage: metrics.Ratio(s.N, e.N)}
	return s
}

// print writes the result, then the table of the classes.
func (e *evaluation) print(w io.Writer) error {
	fmt.Fprintf(w, "%s\n", text.Printable(e.Data))
	fmt.Fprintf(w, "accuracy %.4f (%d of %d images; 95 %% interval %.3f to %.3f), loss %.4f\n",
		e.Acc, e.Corrects, e.N, e.Low, e.High, e.Loss)
	fmt.Fprintf(w, "in training, epoch %d: accuracy %.4f, loss %.4f\n", e.trained.Epoch, e.trained.Accuracy, e.trained.Loss)
	fmt.Fprintf(w, "calibration error %.4f", e.ECE)
	if e.Temperature != 0 {
		fmt.Fprintf(w, ", at the temperature %.3f that training fitted %.4f", e.Temperature, e.CalibratedECE)
	}
	fmt.Fprintln(w)
	if s := e.Sure; s != nil {
		fmt.Fprintf(w, "sure, from %.2f %% on: %d of %d images (%.1f %%)", 100*s.Threshold, s.N, e.N, 100*s.Coverage)
		if s.N > 0 {
			low, high := metrics.Wilson(s.Right, s.N)
			fmt.Fprintf(w, "; %d of these are right, %.4f (95 %% interval %.3f to %.3f)", s.Right, s.Precision, low, high)
		}
		fmt.Fprintln(w)
	}
	if t := e.Tied; t != nil {
		fmt.Fprintf(w, "epoch %d had the same accuracy and a lower loss, %.4f; the first of equals is kept, as in the notebook\n", t.Epoch, t.Loss)
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "precision\trecall\tF1\timages\tpredicted\t  class")
	for _, c := range e.Classes {
		fmt.Fprintf(t, "%.4f\t%.4f\t%.4f\t%d\t%d\t  %s\n", c.Precision, c.Recall, c.F1, c.Support, c.Predicted, text.Printable(c.Name))
	}
	fmt.Fprintf(t, "%.4f\t%.4f\t%.4f\t%d\t%d\t  mean, and sums\n", e.mean.Precision, e.mean.Recall, e.mean.F1, e.mean.Support, e.mean.Predicted)
	return t.Flush()
}
