package classify

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"hymenoptera/metrics"
	"hymenoptera/transforms"
)

// A Card is the description of the weights in best.safetensors: everything that is needed to use them.
type Card struct {
	Version        string // of the program that wrote it
	Model          string // its name in the zoo
	Classes        []string
	Preprocessing  transforms.Transform // of validation
	Config         json.RawMessage      // the training's options
	Epoch          int                  // in which training reached the weights
	Accuracy, Loss float64              // in the validation phase of Epoch
	Calibration    Calibration
}

// Metadata returns the card as the metadata of a file, which are strings.
func (c Card) Metadata() map[string]string {
	m := map[string]string{
		"format": "pt", "version": c.Version, "model": c.Model, "config": string(c.Config),
		"classes": encode(c.Classes), "preprocessing": encode(c.Preprocessing),
		"epoch": strconv.Itoa(c.Epoch), "accuracy": encode(c.Accuracy), "loss": encode(c.Loss),
	}
	if c.Calibration.Temperature != 0 {
		m["calibration"] = encode(c.Calibration)
	}
	return m
}

// encode encodes values that cannot fail to encode: names and finite numbers.
func encode(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(data)
}

// ReadCard reads a card from a file's metadata, as Card.Metadata wrote it.
func ReadCard(metadata map[string]string) (c Card, err error) {
	if metadata["model"] == "" {
		return c, errors.New("it does not say which model it is: only the best.safetensors of a run does")
	}
	c.Version, c.Model, c.Config = metadata["version"], metadata["model"], json.RawMessage(metadata["config"])
	for _, field := range []struct {
		key   string
		value any
	}{{"classes", &c.Classes}, {"preprocessing", &c.Preprocessing}, {"epoch", &c.Epoch}, {"accuracy", &c.Accuracy}, {"loss", &c.Loss}} {
		if err := json.Unmarshal([]byte(metadata[field.key]), field.value); err != nil {
			return c, fmt.Errorf("its metadata are damaged: %s is %q", field.key, metadata[field.key])
		}
	}
	if text, ok := metadata["calibration"]; ok {
		if err := json.Unmarshal([]byte(text), &c.Calibration); err != nil || !c.Calibration.valid() {
			return c, fmt.Errorf("its metadata are damaged: calibration is %.200q", text)
		}
	}
	if len(c.Classes) == 0 {
		return c, errors.New("its metadata are damaged: it names no classes")
	}
	if c.Preprocessing.Random {
		return c, errors.New("its metadata are damaged: the preprocessing is random")
	}
	return c, c.Preprocessing.Validate()
}

// Tied returns a later epoch with the same accuracy as the weights and a lower loss. It returns nil if there is none, if h
// is not the history of their training, or if they were not chosen by accuracy.
func (c Card) Tied(h metrics.History, rule metrics.Rule) *metrics.Phase {
	if best, ok := h.Best(rule); !ok || best.Epoch != c.Epoch || best.Acc != c.Accuracy || best.Loss != c.Loss {
		return nil
	}
	return h.Tied(rule)
}
