//go:build cgo

package onnx_test

import (
	"context"
	"fmt"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"hymenoptera/checkpoint"
	"hymenoptera/onnx"
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
	"hymenoptera/transforms"
	"hymenoptera/zoo"
)

// In every network's graph, each value is made once, before it is used, and each constant is used.
func TestGraphsAreWhole(t *testing.T) {
	for _, name := range zoo.Names() {
		for _, input := range []onnx.Input{onnx.Picture, onnx.Tensor} {
			t.Run(fmt.Sprintf("%s/%s", name, input), func(t *testing.T) {
				var weights *checkpoint.StateDict
				err := torch.Do(context.Background(), func(s *torch.Scope) error {
					arch, err := zoo.Find(name)
					if err == nil {
						weights = nn.Export(arch.New(s, 2))
					}
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
				model := onnx.Model{Network: name, Weights: weights, Classes: []string{"ants", "bees"}, Preprocessing: transforms.Eval(224)}
				checkGraph(t, fields(t, fields(t, write(t, model, input))[7][0]), weights)
			})
		}
	}
}

func checkGraph(t *testing.T, graph map[protowire.Number][][]byte, weights *checkpoint.StateDict) {
	made, used := map[string]bool{"": true}, map[string]bool{}
	add := func(name string) {
		if made[name] {
			t.Errorf("%s is made twice", name)
		}
		made[name] = true
	}
	for _, input := range graph[11] {
		add(string(fields(t, input)[1][0]))
	}
	for _, constant := range graph[5] {
		add(string(fields(t, constant)[8][0]))
	}
	convolutions := 0
	for _, raw := range graph[1] {
		node := fields(t, raw)
		for _, in := range node[1] {
			if used[string(in)] = true; !made[string(in)] {
				t.Errorf("%s uses %s before it is made", node[3][0], in)
			}
		}
		add(string(node[2][0]))
		if string(node[4][0]) == "Conv" {
			convolutions++
		}
	}
	for _, output := range graph[12] {
		used[string(fields(t, output)[1][0])] = true
	}
	for name := range made {
		if name != "" && !used[name] {
			t.Errorf("%s is never used", name)
		}
	}
	want := 0
	for _, w := range weights.Tensors {
		if len(w.Shape) == 4 {
			want++
		}
	}
	if convolutions != want {
		t.Errorf("%d convolutions, want %d", convolutions, want)
	}
}

// fields returns the fields of a message by number, in order.
func fields(t *testing.T, m []byte) map[protowire.Number][][]byte {
	t.Helper()
	all := map[protowire.Number][][]byte{}
	for len(m) > 0 {
		number, kind, n := protowire.ConsumeTag(m)
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		m = m[n:]
		n = protowire.ConsumeFieldValue(number, kind, m)
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		v := m[:n]
		if kind == protowire.BytesType {
			v, _ = protowire.ConsumeBytes(v)
		}
		all[number], m = append(all[number], v), m[n:]
	}
	return all
}
