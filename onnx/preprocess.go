package onnx

import "hymenoptera/transforms"

// preprocess appends the preprocessing of a picture: x, H×W×3 bytes, becomes 1×3×S×S, normalised. It resizes bytes, as
// Pillow does, and then normalises.
func preprocess(g *graph, x string, t transforms.Transform) string {
	x = g.node("Transpose", []string{x}, attrInts("perm", 2, 0, 1))     // 3×H×W
	x = g.node("Unsqueeze", []string{x, g.ints("preprocess.batch", 0)}) // 1×3×H×W
	size := g.node("Shape", []string{x}, attrInt("start", 2))           // [H W]
	short := g.node("ReduceMin", []string{size, g.ints("preprocess.axis", 0)}, attrInt("keepdims", 1))

	// torchvision's Resize(short): each side times short by the shorter side, rounded down.
	side := g.ints("preprocess.short", int64(t.Short))
	size = g.node("Div", []string{g.node("Mul", []string{size, side}), short})
	sizes := g.node("Concat", []string{g.ints("preprocess.planes", 1, 3), size}, attrInt("axis", 0))
	x = g.node("Resize", []string{x, "", "", sizes}, attrString("mode", "linear"), attrInt("antialias", 1),
		attrString("coordinate_transformation_mode", "half_pixel"))

	// CenterCrop: half of the rest, rounded to even.
	crop := g.ints("preprocess.crop", int64(t.Size), int64(t.Size))
	over := g.node("Cast", []string{g.node("Sub", []string{size, crop})}, attrInt("to", typeFloat))
	half := g.node("Round", []string{g.node("Mul", []string{over, g.floats("preprocess.half", []int64{1}, []float32{0.5})})})
	from := g.node("Cast", []string{half}, attrInt("to", typeInt64))
	to := g.node("Add", []string{from, crop})
	x = g.node("Slice", []string{x, from, to, g.ints("preprocess.sides", 2, 3)}) // 1×3×S×S

	// ToTensor and Normalize.
	channels := []int64{1, 3, 1, 1}
	x = g.node("Cast", []string{x}, attrInt("to", typeFloat))
	x = g.node("Div", []string{x, g.floats("preprocess.levels", []int64{1}, []float32{255})})
	x = g.node("Sub", []string{x, g.floats("preprocess.mean", channels, t.Mean[:])})
	return g.node("Div", []string{x, g.floats("preprocess.std", channels, t.Std[:])})
}
