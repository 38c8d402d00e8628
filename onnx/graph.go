package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"

	"hymenoptera/checkpoint"
)

// A graph is a GraphProto under construction. Values are identified by their names. err keeps the first error.
type graph struct {
	message
	weights *checkpoint.StateDict
	names   map[string]int // how often a kind of node was used
	err     error
}

func newGraph(name string, weights *checkpoint.StateDict) *graph {
	g := &graph{weights: weights, names: map[string]int{}}
	g.string(2, name)
	return g
}

// node appends an operation and returns the name of its output.
func (g *graph) node(op string, inputs []string, attributes ...attribute) string {
	g.names[op]++
	return g.named(op+"_"+strconv.Itoa(g.names[op]), op, inputs, attributes...)
}

// named is node with a name for the output.
func (g *graph) named(out, op string, inputs []string, attributes ...attribute) string {
	var n message
	for _, in := range inputs {
		n.string(1, in)
	}
	n.string(2, out)
	n.string(3, out)
	n.string(4, op)
	for _, a := range attributes {
		n.bytes(5, a)
	}
	g.bytes(1, n)
	return out
}

// floats appends a constant and returns its name.
func (g *graph) floats(name string, shape []int64, data []float32) string {
	g.bytes(5, tensor(name, typeFloat, shape, little(data)))
	return name
}

// ints appends a constant vector of integers and returns its name.
func (g *graph) ints(name string, data ...int64) string {
	g.bytes(5, tensor(name, typeInt64, []int64{int64(len(data))}, little(data)))
	return name
}

// weight returns a tensor of the state dict and its shape.
func (g *graph) weight(name string) ([]float32, []int64) {
	t, ok := g.weights.Get(name)
	switch {
	case g.err != nil:
	case !ok:
		g.err = fmt.Errorf("the weights have no %s", name)
	case t.DType != checkpoint.Float32:
		g.err = fmt.Errorf("%s holds %v: want float32", name, t.DType)
	default:
		return floats(t.Data), t.Shape
	}
	return nil, []int64{1, 1, 1, 1}
}

// floats decodes little-endian float32 values.
func floats(data []byte) []float32 {
	vs := make([]float32, len(data)/4)
	for i := range vs {
		vs[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return vs
}

// has reports whether the state dict has a tensor.
func (g *graph) has(name string) bool {
	_, ok := g.weights.Get(name)
	return ok
}
