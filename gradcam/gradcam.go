// Package gradcam shows where a network looked: Grad-CAM (Selvaraju et al., "Grad-CAM: Visual Explanations
// from Deep Networks via Gradient-based Localization", 2017) over the last block.
//
//	maps, err := gradcam.Compute(s, net, images, []int64{0, 1}) // one per image, for class 0 and class 1
//
// A map has the size of the block's output, 7×7 for images of 224×224; report.Heatmap enlarges it.
package gradcam

import (
	"fmt"

	"hymenoptera/torch"
	"hymenoptera/torch/nn"
)

// A Network can be computed in two parts: up to its last block, and after it.
type Network interface {
	nn.Module
	Features(s *torch.Scope, images *torch.Tensor) *torch.Tensor   // N×C×h×w
	Classify(s *torch.Scope, features *torch.Tensor) *torch.Tensor // logits N×classes
}

// A Map says how much each part of an image contributed to a class.
type Map struct {
	Width, Height int
	Values        []float32 // row by row, from 0 to 1; all 0 if nothing contributed to the class
	Peak          float64   // the divisor of the values
}

// Compute returns the map of each of the images N×3×H×W for its class. It averages the features' gradients over all
// positions, sums the features with these weights, and sets negative values to 0. It puts the network into evaluation
// mode; the network's parameters get no gradients.
func Compute(s *torch.Scope, net Network, images *torch.Tensor, classes []int64) ([]Map, error) {
	c := s.Child()
	defer c.Close()
	if n := images.Shape()[0]; n != int64(len(classes)) {
		return nil, fmt.Errorf("gradcam: %d classes for %d images", len(classes), n)
	}
	trained := nn.Trainable(net)
	for _, p := range trained {
		torch.SetRequiresGrad(p, false)
		defer torch.SetRequiresGrad(p, true)
	}
	nn.SetTraining(net, false)

	var features *torch.Tensor // N×C×h×w
	torch.NoGrad(func() { features = torch.ToDType(c, net.Features(c, images), torch.Float32) })
	features = torch.SetRequiresGrad(torch.Detach(c, features), true)
	var err error
	torch.SetGradEnabled(true, func() {
		logits := net.Classify(c, features)
		var chosen *torch.Tensor
		if chosen, err = oneHot(c, logits, classes); err == nil {
			torch.Backward(torch.Sum(c, torch.Mul(c, logits, chosen)))
		}
	})
	if err != nil {
		return nil, err
	}
	shape := features.Shape()
	a := torch.Float32s(c, torch.To(c, torch.Detach(c, features), torch.CPU))
	g := torch.Float32s(c, torch.To(c, torch.Grad(c, features), torch.CPU))
	maps, each := make([]Map, len(classes)), int(shape[1]*shape[2]*shape[3])
	for i := range maps {
		maps[i] = one(a[i*each:(i+1)*each], g[i*each:(i+1)*each], int(shape[1]), int(shape[2]), int(shape[3]))
	}
	return maps, nil
}

// oneHot returns a tensor like logits with 1 at each image's class and 0 elsewhere.
func oneHot(s *torch.Scope, logits *torch.Tensor, classes []int64) (*torch.Tensor, error) {
	shape := logits.Shape()
	ones := make([]float32, shape[0]*shape[1])
	for i, class := range classes {
		if class < 0 || class >= shape[1] {
			return nil, fmt.Errorf("gradcam: class %d of %d", class, shape[1])
		}
		ones[int64(i)*shape[1]+class] = 1
	}
	return torch.To(s, torch.FromFloat32s(s, ones, shape...), logits.Device()), nil
}

// one computes the map of one image from its features and their gradients, C×h×w.
func one(features, grads []float32, channels, h, w int) Map {
	m := Map{Width: w, Height: h, Values: make([]float32, h*w)}
	sums := make([]float64, h*w)
	for k := range channels {
		at := k * h * w
		weight := 0.0
		for _, g := range grads[at : at+h*w] {
			weight += float64(g) / float64(h*w)
		}
		for i, a := range features[at : at+h*w] {
			// float64(…): without it, arm64 fuses the product with the sum.
			sums[i] += float64(weight * float64(a))
		}
	}
	for _, v := range sums {
		m.Peak = max(m.Peak, v)
	}
	if m.Peak > 0 {
		for i, v := range sums {
			m.Values[i] = float32(max(v, 0) / m.Peak)
		}
	}
	return m
}
