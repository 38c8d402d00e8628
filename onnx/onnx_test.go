package onnx_test

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"hymenoptera/checkpoint"
	"hymenoptera/onnx"
	"hymenoptera/transforms"
)

var update = flag.Bool("update", false, "write testdata/tiny.onnx anew; make parity-onnx checks it")

// tiny returns the weights of a ResNet with one block of two channels in each layer.
func tiny() *checkpoint.StateDict {
	sd, next := new(checkpoint.StateDict), uint32(1)
	add := func(name string, positive bool, shape ...int64) {
		n := int64(1)
		for _, d := range shape {
			n *= d
		}
		var data []byte
		for range n {
			next = next*1664525 + 1013904223
			v := float32(next>>8)/(1<<24) - 0.5 // -0.5 to 0.5
			if positive {
				v++
			}
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
		}
		sd.Tensors = append(sd.Tensors, checkpoint.Tensor{Name: name, DType: checkpoint.Float32, Shape: shape, Data: data})
	}
	norm := func(name string) {
		add(name+".weight", true, 2)
		add(name+".bias", false, 2)
		add(name+".running_mean", false, 2)
		add(name+".running_var", true, 2)
	}
	add("conv1.weight", false, 2, 3, 7, 7)
	norm("bn1")
	for layer := range 4 {
		for c := range 2 {
			add(fmt.Sprintf("layer%d.0.conv%d.weight", layer+1, c+1), false, 2, 2, 3, 3)
			norm(fmt.Sprintf("layer%d.0.bn%d", layer+1, c+1))
		}
		if layer > 0 {
			add(fmt.Sprintf("layer%d.0.downsample.0.weight", layer+1), false, 2, 2, 1, 1)
			norm(fmt.Sprintf("layer%d.0.downsample.1", layer+1))
		}
	}
	add("fc.weight", false, 3, 2)
	add("fc.bias", false, 3)
	return sd
}

func write(t *testing.T, m onnx.Model, input onnx.Input) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := onnx.Write(&b, m, input); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func tinyModel() onnx.Model {
	return onnx.Model{Network: "resnet18", Weights: tiny(), Classes: []string{"ants", "bees", "wasps"}, Preprocessing: transforms.Eval(64),
		Metadata: map[string]string{"accuracy": "0.9"}}
}

// onnx.checker and onnxruntime accept the committed file: make parity-onnx.
func TestTinyIsAsCommitted(t *testing.T) {
	got := write(t, tinyModel(), onnx.Picture)
	const path = "testdata/tiny.onnx"
	if *update {
		if err := os.WriteFile(path, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%d bytes that differ from the %d of %s: if that is meant, add -update, then make parity-onnx", len(got), len(want), path)
	}
}

func TestWhatCannotBeWritten(t *testing.T) {
	m := tinyModel()
	m.Network = "vgg16"
	if err := onnx.Write(new(bytes.Buffer), m, onnx.Tensor); err == nil || !strings.Contains(err.Error(), "no graph is known for vgg16") {
		t.Errorf("got %v, want an error that names vgg16", err)
	}
	for _, c := range []struct {
		change func(sd *checkpoint.StateDict)
		want   string
	}{
		{func(sd *checkpoint.StateDict) { sd.Tensors = sd.Tensors[1:] }, "no conv1.weight"},
		{func(sd *checkpoint.StateDict) { sd.Tensors[0].DType = checkpoint.Int32 }, "conv1.weight holds"},
		{func(sd *checkpoint.StateDict) { sd.Tensors[1].Data = sd.Tensors[1].Data[4:] }, "bn1 does not fit conv1"},
		{func(sd *checkpoint.StateDict) { sd.Tensors[len(sd.Tensors)-2].Shape = []int64{2, 3} }, "fc.weight has the shape [2 3]"},
	} {
		m := tinyModel()
		c.change(m.Weights)
		if err := onnx.Write(new(bytes.Buffer), m, onnx.Tensor); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}

func ExampleWrite() {
	var file bytes.Buffer
	err := onnx.Write(&file, onnx.Model{Network: "resnet18", Weights: tiny(), Classes: []string{"ants", "bees", "wasps"},
		Preprocessing: transforms.Eval(64)}, onnx.Picture)
	fmt.Println(file.Len() > 0, err)
	// Output: true <nil>
}
