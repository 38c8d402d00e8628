package classify_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"hymenoptera/checkpoint"
	"hymenoptera/classify"
	"hymenoptera/metrics"
)

// calibrated writes an untrained network's file with a temperature of 2 and two thresholds.
func calibrated(t *testing.T) string {
	t.Helper()
	file, err := trained(t.TempDir(), func(sd *checkpoint.StateDict) {
		sd.Metadata["calibration"] = `{"temperature":2,"cuts":[{"threshold":0.5,"precision":0.8,"coverage":1},{"threshold":0.9,"precision":0.95,"coverage":0.25}]}`
	})
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestUnsure(t *testing.T) {
	file, folder := calibrated(t), insects(t)
	evaluate := func(cfg classify.Config) (*classify.Classifier, *classify.Evaluation) {
		c, err := classify.OpenConfig(t.Context(), file, cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		e, err := c.Evaluate(t.Context(), folder, 4, 1)
		if err != nil {
			t.Fatal(err)
		}
		return c, e
	}
	_, plain := evaluate(classify.Config{})
	middle := 0.0                                       // between the confidence of the least and the most confident calibrated prediction
	confidence := func(p classify.Prediction) float64 { // of two classes, at temperature 2
		return 1 / (1 + math.Exp(-math.Abs(float64(p.Logits[0])-float64(p.Logits[1]))/2))
	}
	least, most := 1.0, 0.0
	for _, p := range plain.Predictions {
		least, most = min(least, confidence(p)), max(most, confidence(p))
	}
	middle = (least + most) / 2
	c, e := evaluate(classify.Config{Threshold: middle})
	if c.Cut != (metrics.Cut{Threshold: middle}) {
		t.Errorf("cut %v", c.Cut)
	}
	unsure := 0
	for i, p := range e.Predictions {
		want := confidence(plain.Predictions[i])
		if got := float64(p.Probabilities[p.Best()]); math.Abs(got-want) > 1e-6 || p.Unsure != (want < middle) || p.Logits[0] != plain.Predictions[i].Logits[0] {
			t.Errorf("picture %d: probability %v, unsure %v; want %v of a threshold of %v", i, got, p.Unsure, want, middle)
		}
		if p.Unsure {
			unsure++
		}
		if plain.Predictions[i].Unsure {
			t.Error("unsure without a threshold")
		}
	}
	if unsure == 0 || unsure == len(e.Predictions) {
		t.Errorf("%d of %d unsure: want some", unsure, len(e.Predictions))
	}
	if c, _ := evaluate(classify.Config{Precision: 0.9}); c.Cut != (metrics.Cut{Threshold: 0.9, Precision: 0.95, Coverage: 0.25}) {
		t.Errorf("cut %v for a precision of 0.9", c.Cut)
	}
}

func TestPrecisionThatNoThresholdReaches(t *testing.T) {
	old, err := trained(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{calibrated(t): "the most is 0.9500, from 0.9000 on", old: "no thresholds"} {
		c, err := classify.OpenConfig(t.Context(), file, classify.Config{Precision: 0.99})
		var unreached *classify.PrecisionError
		if c != nil || !errors.As(err, &unreached) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if _, err := classify.OpenConfig(t.Context(), old, classify.Config{Precision: 0.9, Threshold: 0.5}); err == nil {
		t.Error("a threshold and a precision together: no error")
	}
}

// Damaged metadata give the same message each time.
func TestReadCardNamesTheFirstFault(t *testing.T) {
	for range 20 {
		if _, err := classify.ReadCard(map[string]string{"model": "resnet18"}); err == nil || !strings.Contains(err.Error(), `damaged: classes is ""`) {
			t.Fatalf("got %v", err)
		}
	}
}
