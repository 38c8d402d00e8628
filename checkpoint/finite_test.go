package checkpoint

import (
	"errors"
	"testing"
)

func TestCheckFinite(t *testing.T) {
	// dtypes.pth has the same patterns of bits in every type; torch.isfinite finds these.
	sd, err := Read("testdata/dtypes.pth")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{"float32.all": 14, "float16.all": 24, "bfloat16.all": 20, "float64.all": 6, "float64.matrix": 3, "float64.scalar": 1}
	for _, w := range sd.Tensors {
		err := (&StateDict{Tensors: []Tensor{{Name: "sound", DType: Float32, Data: make([]byte, 4)}, w}}).CheckFinite()
		var e *NonFiniteError
		if errors.As(err, &e); want[w.Name] == 0 && err != nil || want[w.Name] > 0 && (e == nil || *e != NonFiniteError{w.Name, want[w.Name]}) {
			t.Errorf("%s: got %v, want %d", w.Name, err, want[w.Name])
		}
	}
}
