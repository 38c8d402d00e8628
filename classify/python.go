package classify

import (
	"fmt"
	"strconv"
	"strings"
)

// Python returns a program in Python that loads the weights from a file in a format, pth or safetensors, prepares the
// picture named on its command line as validation does, and prints its class. noTransform is for a GoogLeNet that
// does not transform its input.
func (c Card) Python(file, format string, noTransform bool) string {
	options := ""
	if c.Model == "googlenet" {
		transform := "True"
		if noTransform {
			transform = "False"
		}
		options = ", aux_logits=False, init_weights=False, transform_input=" + transform
	}
	load, imports := fmt.Sprintf("torch.load(%q, weights_only=True)", file), ""
	if format == "safetensors" {
		load, imports = fmt.Sprintf("safetensors.torch.load_file(%q)", file), "import safetensors.torch\n"
	}
	classes := make([]string, len(c.Classes))
	for i, name := range c.Classes {
		classes[i] = strconv.Quote(name) // Go's escapes are valid in Python too
	}
	prepare := c.Preprocessing
	pil, picture := "Image", "Image.open(sys.argv[1])"
	if prepare.Upright {
		pil, picture = "Image, ImageOps", "ImageOps.exif_transpose("+picture+")"
	}
	return fmt.Sprintf(`import sys
%simport torch
import torchvision
from PIL import %s
from torchvision import transforms

model = torchvision.models.%s(num_classes=%d%s)
model.load_state_dict(%s)
model.eval()
classes = [%s]
prepare = transforms.Compose([
    transforms.Resize(%d, interpolation=transforms.InterpolationMode.BILINEAR),
    transforms.CenterCrop(%d),
    transforms.ToTensor(),
    transforms.Normalize(%s, %s),
])
with torch.no_grad():
    logits = model(prepare(%s.convert("RGB"))[None])[0]
print(classes[logits.argmax()], logits.softmax(0).max().item())
`, imports, pil, c.Model, len(c.Classes), options, load, strings.Join(classes, ", "),
		prepare.Short, prepare.Size, pythonList(prepare.Mean), pythonList(prepare.Std), picture)
}

// pythonList writes numbers with the fewest digits that give the same float32.
func pythonList(vs [3]float32) string {
	return "[" + strings.Trim(strings.ReplaceAll(fmt.Sprint(vs), " ", ", "), "[]") + "]"
}
