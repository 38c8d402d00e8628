package onnx

import "fmt"

// Python returns a program in Python that classifies the picture named on its command line with a file that takes a [Picture].
// With upright set, the program first turns the picture upright by its EXIF data.
func Python(file string, upright bool) string {
	pil, picture := "Image", "Image.open(sys.argv[1])"
	if upright {
		pil, picture = "Image, ImageOps", "ImageOps.exif_transpose("+picture+")"
	}
	return fmt.Sprintf(`import json
import sys
import numpy as np
import onnxruntime
from PIL import %s

session = onnxruntime.InferenceSession(%q)
classes = json.loads(session.get_modelmeta().custom_metadata_map["classes"])
picture = np.asarray(%s.convert("RGB"))
probabilities = session.run(["probabilities"], {"picture": picture})[0][0]
print(classes[probabilities.argmax()], probabilities.max())
`, pil, file, picture)
}
