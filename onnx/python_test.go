package onnx_test

import (
	"strings"
	"testing"

	"hymenoptera/onnx"
)

// The program turns pictures only if training did.
func TestPython(t *testing.T) {
	for upright, want := range map[bool]string{
		false: "np.asarray(Image.open(sys.argv[1]).convert(\"RGB\"))",
		true:  "np.asarray(ImageOps.exif_transpose(Image.open(sys.argv[1])).convert(\"RGB\"))",
	} {
		got := onnx.Python("bees.onnx", upright)
		if !strings.Contains(got, want) || !strings.Contains(got, `InferenceSession("bees.onnx")`) || strings.Contains(got, "import Image, ImageOps") != upright {
			t.Errorf("upright %v: got\n%s", upright, got)
		}
	}
}
