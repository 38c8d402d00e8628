package finetune

import (
	"fmt"

	"hymenoptera/metrics"
)

// patience is how many epochs in a row may call every image the same before a hint is given.
const patience = 3

// A stuckness detects a network that takes every image for the same class: its accuracy is the share of that class.
type stuckness struct {
	Epochs int  `json:"epochs"` // in a row
	Told   bool `json:"told"`
}

// hint takes the predictions of an epoch for the validation images and returns a hint, once, if the network is stuck.
func (s *stuckness) hint(predictions []metrics.Prediction, classes []string) string {
	s.Epochs++
	for _, p := range predictions {
		if p.Predicted() != predictions[0].Predicted() {
			s.Epochs = 0
			break
		}
	}
	if s.Told || s.Epochs < patience || len(predictions) < 2 || len(classes) < 2 {
		return ""
	}
	s.Told = true
	return fmt.Sprintf("hint: for %d epochs every validation image was taken for %s; published weights, another learning rate or more images may help",
		patience, classes[predictions[0].Predicted()])
}
