package main

import (
	"encoding/json"
	"path/filepath"
	"strconv"

	"hymenoptera/checkpoint"
	"hymenoptera/classify"
	"hymenoptera/internal/malloc"
	"hymenoptera/metrics"
	"hymenoptera/torch/nn"
	"hymenoptera/transforms"
	"hymenoptera/zoo"
)

// bestWeights returns the model's weights with all that it takes to use them.
func (j *job) bestWeights(p metrics.Phase) (*checkpoint.StateDict, error) {
	used := j.used()
	var err error
	if used.Data, err = filepath.Abs(used.Data); err != nil { // eval is called from anywhere
		return nil, err
	}
	config, err := json.Marshal(used)
	if err != nil {
		return nil, err
	}
	malloc.GiveBack() // what the epoch used and malloc keeps, before copies of all weights are made
	sd := nn.Export(j.model)
	sd.Metadata = classify.Card{
		Version: version, Model: j.Model, Classes: j.classes, Preprocessing: transforms.Eval(j.ImageSize),
		Config: config, Epoch: p.Epoch, Accuracy: p.Acc, Loss: p.Loss,
	}.Metadata()
	if p.Corrects == 0 {
		sd.Metadata["kept"] = "the last epoch's weights: none got a validation image right"
	}
	if g, ok := j.model.(*zoo.GoogLeNet); ok {
		sd.Metadata[zoo.TransformInputKey] = strconv.FormatBool(g.TransformInput())
	}
	return sd, nil
}
