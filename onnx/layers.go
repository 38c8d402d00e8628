package onnx

import (
	"fmt"
	"math"
)

// A convolution is a convolution of a network, without bias, with the BatchNorm behind it.
type convolution struct {
	conv, bn        string // their names in the state dict
	stride, padding int64
	eps             float64 // of the BatchNorm
}

// convBN appends a convolution with its BatchNorm folded into weights and bias: x N×I×H×W becomes N×O×H'×W'.
func (g *graph) convBN(x string, c convolution) string {
	weight, shape := g.weight(c.conv + ".weight") // O×I×K×K
	gamma, _ := g.weight(c.bn + ".weight")        // O, as are those below
	beta, _ := g.weight(c.bn + ".bias")
	mean, _ := g.weight(c.bn + ".running_mean")
	variance, _ := g.weight(c.bn + ".running_var")
	if g.err == nil && len(shape) != 4 {
		g.err = fmt.Errorf("%s.weight has the shape %v: want four sizes", c.conv, shape)
	}
	if n := int(shape[0]); g.err == nil && (len(gamma) != n || len(beta) != n || len(mean) != n || len(variance) != n) {
		g.err = fmt.Errorf("%s does not fit %s of %d channels", c.bn, c.conv, n)
	}
	if g.err != nil {
		return x
	}
	folded, bias := make([]float32, len(weight)), make([]float32, len(gamma))
	each := len(weight) / len(gamma)
	for o := range gamma {
		scale := float64(gamma[o]) / math.Sqrt(float64(variance[o])+c.eps)
		for i := o * each; i < (o+1)*each; i++ {
			folded[i] = float32(float64(weight[i]) * scale)
		}
		// float64(…): without it, arm64 fuses the product with the sum.
		bias[o] = float32(float64(beta[o]) - float64(float64(mean[o])*scale))
	}
	inputs := []string{x, g.floats(c.conv+".weight", shape, folded), g.floats(c.bn+".bias", shape[:1], bias)}
	return g.node("Conv", inputs, attrInts("kernel_shape", shape[2:]...),
		attrInts("strides", c.stride, c.stride), attrInts("pads", c.padding, c.padding, c.padding, c.padding))
}

func (g *graph) relu(x string) string { return g.node("Relu", []string{x}) }

// maxPool appends nn.MaxPool2d(kernel, stride, padding, ceil_mode=ceil).
func (g *graph) maxPool(x string, kernel, stride, padding int64, ceil bool) string {
	mode := int64(0)
	if ceil {
		mode = 1
	}
	return g.node("MaxPool", []string{x}, attrInts("kernel_shape", kernel, kernel), attrInts("strides", stride, stride),
		attrInts("pads", padding, padding, padding, padding), attrInt("ceil_mode", mode))
}

// head appends the pooling over all pixels and the linear layer fc: x N×C×H×W becomes N×classes, with the name logits.
func (g *graph) head(x string, classes int) {
	weight, shape := g.weight("fc.weight") // classes×C
	bias, _ := g.weight("fc.bias")
	if g.err == nil && (len(shape) != 2 || int(shape[0]) != classes || len(bias) != classes) {
		g.err = fmt.Errorf("fc.weight has the shape %v: want one for %d classes", shape, classes)
	}
	if g.err != nil {
		return
	}
	x = g.node("GlobalAveragePool", []string{x}) // N×C×1×1
	x = g.node("Flatten", []string{x})           // N×C
	g.named(logits, "Gemm", []string{x, g.floats("fc.weight", shape, weight), g.floats("fc.bias", shape[:1], bias)}, attrInt("transB", 1))
	g.named(probabilities, "Softmax", []string{logits}, attrInt("axis", 1))
}
