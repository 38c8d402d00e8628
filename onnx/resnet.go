package onnx

import "fmt"

// resNet appends package zoo's ResNet without its head; the state dict shows how deep it is. x is N×3×H×W; the shapes beside
// the code are those of 224×224 and of the networks without bottlenecks.
func resNet(g *graph, x string) string {
	const eps = 1e-5
	x = g.relu(g.convBN(x, convolution{"conv1", "bn1", 2, 3, eps})) // N×64×112×112
	x = g.maxPool(x, 3, 2, 1, false)                                // N×64×56×56
	for layer := 1; layer <= 4; layer++ {                           // N×64×56×56, N×128×28×28, N×256×14×14, N×512×7×7
		stride := int64(2)
		if layer == 1 {
			stride = 1
		}
		for i := 0; i == 0 || g.has(fmt.Sprintf("layer%d.%d.conv1.weight", layer, i)); i++ {
			x = resBlock(g, x, fmt.Sprintf("layer%d.%d", layer, i), stride, eps)
			stride = 1
		}
	}
	return x
}

// resBlock appends torchvision's BasicBlock or Bottleneck of that name.
func resBlock(g *graph, x, name string, stride int64, eps float64) string {
	conv := func(x string, n int, stride, padding int64) string {
		return g.convBN(x, convolution{fmt.Sprintf("%s.conv%d", name, n), fmt.Sprintf("%s.bn%d", name, n), stride, padding, eps})
	}
	var y string
	if g.has(name + ".conv3.weight") {
		y = g.relu(conv(x, 1, 1, 0))
		y = g.relu(conv(y, 2, stride, 1))
		y = conv(y, 3, 1, 0)
	} else {
		y = g.relu(conv(x, 1, stride, 1))
		y = conv(y, 2, 1, 1)
	}
	if g.has(name + ".downsample.0.weight") {
		x = g.convBN(x, convolution{name + ".downsample.0", name + ".downsample.1", stride, 0, eps})
	}
	return g.relu(g.node("Add", []string{y, x}))
}
