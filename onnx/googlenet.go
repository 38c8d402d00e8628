package onnx

// googLeNet appends package zoo's GoogLeNet without its heads. x is N×3×H×W, normalised; renormalise says that the weights were
// trained with (v-0.5)/0.5 instead of ImageNet's mean and deviation. The shapes beside the code are those of 224×224.
func googLeNet(g *graph, x string, renormalise bool) string {
	if renormalise {
		mean, std := [3]float64{0.485, 0.456, 0.406}, [3]float64{0.229, 0.224, 0.225}
		var factors, terms []float32
		for c := range mean {
			factors, terms = append(factors, float32(std[c]/0.5)), append(terms, float32((mean[c]-0.5)/0.5))
		}
		channels := []int64{1, 3, 1, 1}
		x = g.node("Mul", []string{x, g.floats("transform_input.factor", channels, factors)})
		x = g.node("Add", []string{x, g.floats("transform_input.term", channels, terms)})
	}
	x = basicConv(g, x, "conv1", 2, 3) // N×64×112×112
	x = g.maxPool(x, 3, 2, 0, true)    // N×64×56×56
	x = basicConv(g, x, "conv2", 1, 0) // N×64×56×56
	x = basicConv(g, x, "conv3", 1, 1) // N×192×56×56
	x = g.maxPool(x, 3, 2, 0, true)    // N×192×28×28
	for _, name := range []string{"3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"} {
		x = inception(g, x, "inception"+name)
		switch name {
		case "3b": // N×480×28×28
			x = g.maxPool(x, 3, 2, 0, true) // N×480×14×14
		case "4e": // N×832×14×14
			x = g.maxPool(x, 2, 2, 0, true) // N×832×7×7
		}
	}
	return x // N×1024×7×7
}

// basicConv appends torchvision's BasicConv2d of that name.
func basicConv(g *graph, x, name string, stride, padding int64) string {
	return g.relu(g.convBN(x, convolution{name + ".conv", name + ".bn", stride, padding, 0.001}))
}

// inception appends torchvision's Inception of that name: four branches, side by side in the channels.
func inception(g *graph, x, name string) string {
	return g.node("Concat", []string{
		basicConv(g, x, name+".branch1", 1, 0),
		basicConv(g, basicConv(g, x, name+".branch2.0", 1, 0), name+".branch2.1", 1, 1),
		basicConv(g, basicConv(g, x, name+".branch3.0", 1, 0), name+".branch3.1", 1, 1),
		basicConv(g, g.maxPool(x, 3, 1, 1, true), name+".branch4.1", 1, 0),
	}, attrInt("axis", 1))
}
