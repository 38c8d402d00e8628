package main

import (
	"encoding/json"
	"strconv"

	"hymenoptera/checkpoint"
	"hymenoptera/torch/nn"
	"hymenoptera/trainer"
	"hymenoptera/transforms"
	"hymenoptera/zoo"
)

// bestWeights returns the model's weights with all that it takes to use them.
func (j *job) bestWeights(p trainer.Phase) *checkpoint.StateDict {
	sd := nn.Export(j.model)
	sd.Metadata = map[string]string{
		"format": "pt", "version": version, "model": j.Model,
		"classes": jsonString(j.classes), "preprocessing": jsonString(transforms.Eval(j.ImageSize)),
		"config": jsonString(j.options), "epoch": strconv.Itoa(p.Epoch),
		"accuracy": jsonString(p.Acc), "loss": jsonString(p.Loss),
	}
	if g, ok := j.model.(*zoo.GoogLeNet); ok {
		sd.Metadata[zoo.TransformInputKey] = strconv.FormatBool(g.TransformInput())
	}
	return sd
}

// jsonString encodes values that cannot fail to be encoded: names and finite numbers.
func jsonString(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(data)
}
