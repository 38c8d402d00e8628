package finetune_test

import (
	"math"
	"path/filepath"
	"reflect"
	"testing"

	"hymenoptera/dataset"
	"hymenoptera/finetune"
)

// Every image gets probabilities, which are the same each time and do not depend on the labels of its own fold.
func TestCrossValidate(t *testing.T) {
	o := small(t)
	o.Weights = "none"
	folder, err := dataset.NewImageFolder(filepath.Join(o.Data, "train"))
	if err != nil {
		t.Fatal(err)
	}
	fold := []int{0, 1, 0, 1}
	c, err := finetune.NewCrossValidator(t.Context(), o, finetune.Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	first, err := c.Run(t.Context(), folder, fold)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range first {
		if len(p) != 2 || math.Abs(p[0]+p[1]-1) > 1e-5 {
			t.Errorf("image %d: %v", i, p)
		}
	}
	folder.Samples[0].Label = 1
	again, err := c.Run(t.Context(), folder, fold)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(first[0], again[0]) || !reflect.DeepEqual(first[2], again[2]) || reflect.DeepEqual(first[1], again[1]) {
		t.Errorf("with another label of image 0: got %v, before %v", again, first)
	}
	o.Weights = "nowhere.pth"
	if _, err := finetune.NewCrossValidator(t.Context(), o, finetune.Hooks{}); err == nil {
		t.Error("no error without weights")
	}
}
