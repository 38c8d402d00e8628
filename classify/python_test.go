package classify_test

import (
	"strings"
	"testing"

	"hymenoptera/classify"
	"hymenoptera/transforms"
)

// The program turns pictures only where training did.
func TestPython(t *testing.T) {
	for upright, want := range map[bool]string{
		false: "model(prepare(Image.open(sys.argv[1]).convert(\"RGB\"))[None])[0]",
		true:  "model(prepare(ImageOps.exif_transpose(Image.open(sys.argv[1])).convert(\"RGB\"))[None])[0]",
	} {
		c := classify.Card{Model: "resnet18", Classes: []string{"ants", "bees"}, Preprocessing: transforms.Eval(64)}
		c.Preprocessing.Upright = upright
		got := c.Python("bees.pth", "pth", false)
		if !strings.Contains(got, want) || strings.Contains(got, "import Image, ImageOps") != upright || strings.Contains(got, "%!") {
			t.Errorf("upright %v: got\n%s", upright, got)
		}
	}
}
