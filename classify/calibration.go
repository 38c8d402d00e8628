package classify

import (
	"fmt"

	"hymenoptera/metrics"
)

// A Calibration says how far to trust a network's probabilities. It comes from the training's validation images.
type Calibration struct {
	Temperature float64       `json:"temperature"` // see [metrics.Temperature]; 0 if unknown, as in files of older versions
	Cuts        []metrics.Cut `json:"cuts"`        // at this temperature, see [metrics.Cuts]
}

// NewCalibration computes the calibration from predictions of validation images.
func NewCalibration(predictions []metrics.Prediction) Calibration {
	t := metrics.Temperature(predictions)
	return Calibration{t, metrics.Cuts(metrics.AtTemperature(predictions, t))}
}

// valid reports whether the values, which come from a file, are possible.
func (c Calibration) valid() bool {
	share := func(v float64) bool { return v >= 0 && v <= 1 }
	for i, cut := range c.Cuts {
		if !share(cut.Threshold) || !share(cut.Precision) || !share(cut.Coverage) || i > 0 && cut.Threshold <= c.Cuts[i-1].Threshold {
			return false
		}
	}
	return c.Temperature >= 1e-3 && c.Temperature <= 1e3
}

// A PrecisionError says that no threshold reaches a precision.
type PrecisionError struct {
	Path      string
	Precision float64
	Best      *metrics.Cut // the most precise; nil if the file holds none
}

func (e *PrecisionError) Error() string {
	if e.Best == nil {
		return fmt.Sprintf("classify: %s has no thresholds: a version of this program wrote it that did not keep them", e.Path)
	}
	return fmt.Sprintf("classify: %s: no threshold reached a precision of %v on the validation images: the most is %.4f, from %.4f on",
		e.Path, e.Precision, e.Best.Precision, e.Best.Threshold)
}

// newCut returns the threshold of a configuration, with its precision and coverage in validation if they are known.
func (c Calibration) newCut(path string, cfg Config) (metrics.Cut, error) {
	if cfg.Precision == 0 {
		return metrics.Cut{Threshold: cfg.Threshold}, nil
	}
	for _, cut := range c.Cuts {
		if cut.Precision >= cfg.Precision {
			return cut, nil
		}
	}
	e := &PrecisionError{Path: path, Precision: cfg.Precision}
	if n := len(c.Cuts); n > 0 {
		e.Best = &c.Cuts[n-1]
	}
	return metrics.Cut{}, e
}

// calibrate replaces the probabilities by those at the temperature, and sets whether the prediction is unsure.
func (c *Classifier) calibrate(p *Prediction) {
	if c.Cut.Threshold == 0 {
		return
	}
	at := metrics.Prediction{Probs: metrics.Softmax(p.Logits)}
	if t := c.Calibration.Temperature; t != 0 {
		at = at.AtTemperature(t)
	}
	for i, v := range at.Probs {
		p.Probabilities[i] = float32(v)
	}
	p.Unsure = at.Confidence() < c.Cut.Threshold
}
