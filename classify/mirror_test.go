package classify_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"hymenoptera/classify"
)

// With Mirror the logits are the means of those of a picture and of its mirror image, in PyTorch's order of operations:
// (model(x) + model(x.flip(3))) / 2.
func TestMirror(t *testing.T) {
	file, err := trained(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	open := func(cfg classify.Config) *classify.Classifier {
		c, err := classify.OpenConfig(t.Context(), file, cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	once, twice := open(classify.Config{}), open(classify.Config{Mirror: true})
	side := once.Preprocessing.Size
	random := rand.New(rand.NewPCG(1, 2))
	pictures := make([]classify.Input, 3)
	mirrored := make([]classify.Input, 3)
	for i := range pictures {
		pictures[i] = make(classify.Input, 3*side*side)
		for j := range pictures[i] {
			pictures[i][j] = random.Float32()
		}
		mirrored[i] = slices.Clone(pictures[i])
		for row := range slices.Chunk(mirrored[i], side) {
			slices.Reverse(row)
		}
	}
	predict := func(c *classify.Classifier, inputs []classify.Input) []classify.Prediction {
		ps, err := c.PredictInputs(t.Context(), inputs)
		if err != nil {
			t.Fatal(err)
		}
		return ps
	}
	a, b, got := predict(once, pictures), predict(once, mirrored), predict(twice, pictures)
	for i, p := range got {
		for class, v := range p.Logits {
			if want := (a[i].Logits[class] + b[i].Logits[class]) / 2; v != want {
				t.Errorf("picture %d, class %d: got %v, want %v", i, class, v, want)
			}
		}
	}
	if slices.Equal(got[0].Logits, a[0].Logits) {
		t.Error("the mirror image changes nothing")
	}
}
