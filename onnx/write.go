package onnx

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"hymenoptera/checkpoint"
	"hymenoptera/transforms"
)

// Input is the kind of input that a file takes.
type Input string

const (
	Picture Input = "picture" // one decoded picture of any size: bytes H×W×3, red, green and blue
	Tensor  Input = "tensor"  // floats N×3×S×S, prepared as the training's validation does
)

// The names of a file's outputs.
const (
	logits        = "logits"        // N×classes
	probabilities = "probabilities" // N×classes
)

// The versions that are written: of the format, and of its operators. Resize has antialias since 18.
const (
	irVersion = 8
	opset     = 18
)

// A Model is a trained network with everything that is needed to use it.
type Model struct {
	Network       string                // its name in package zoo
	Weights       *checkpoint.StateDict // float32
	Classes       []string
	Preprocessing transforms.Transform // of validation
	// TransformInput is GoogLeNet's transform_input.
	TransformInput bool
	// Metadata becomes metadata_props, beside "classes" and "preprocessing", which are JSON.
	Metadata map[string]string
}

// Write writes a model as an ONNX file. Its input is called "picture" or "tensor", its outputs "logits" and "probabilities".
func Write(w io.Writer, m Model, input Input) error {
	g := newGraph(m.Network, m.Weights)
	x := string(input)
	size, classes := int64(m.Preprocessing.Size), int64(len(m.Classes))
	var n any = int64(1)
	if input == Picture {
		g.bytes(11, value(x, typeUint8, "height", "width", int64(3)))
		x = preprocess(g, x, m.Preprocessing)
	} else {
		n = "batch"
		g.bytes(11, value(x, typeFloat, n, int64(3), size, size))
	}
	switch {
	case strings.HasPrefix(m.Network, "resnet"):
		x = resNet(g, x)
	case m.Network == "googlenet":
		x = googLeNet(g, x, m.TransformInput)
	default:
		return fmt.Errorf("onnx: no graph is known for %s: want a ResNet or GoogLeNet", m.Network)
	}
	g.head(x, len(m.Classes))
	if g.err != nil {
		return fmt.Errorf("onnx: %s: %w", m.Network, g.err)
	}
	g.bytes(12, value(logits, typeFloat, n, classes))
	g.bytes(12, value(probabilities, typeFloat, n, classes))
	file, err := model(g, m)
	if err != nil {
		return err
	}
	_, err = w.Write(file)
	return err
}

// model returns the ModelProto around a graph.
func model(g *graph, m Model) (file message, err error) {
	file.int(1, irVersion)
	file.string(2, "hymenoptera")
	file.bytes(7, g.message)
	var operators message
	operators.string(1, "")
	operators.int(2, opset)
	file.bytes(8, operators)
	properties := maps.Clone(m.Metadata)
	if properties == nil {
		properties = map[string]string{}
	}
	for key, v := range map[string]any{"classes": m.Classes, "preprocessing": m.Preprocessing} {
		text, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("onnx: %s: %w", key, err)
		}
		properties[key] = string(text)
	}
	for _, key := range slices.Sorted(maps.Keys(properties)) {
		var p message
		p.string(1, key)
		p.string(2, properties[key])
		file.bytes(14, p)
	}
	return file, nil
}
