package onnx

import "fmt"

// Python returns a program in Python that classifies the picture named on its command line with a file that takes a [Picture].
func Python(file string) string {
	return fmt.Sprintf(`import json
import sys
import numpy as np
import onnxruntime
from PIL import Image

session = onnxruntime.InferenceSession(%q)
classes = json.loads(session.get_modelmeta().custom_metadata_map["classes"])
picture = np.asarray(Image.open(sys.argv[1]).convert("RGB"))
probabilities = session.run(["probabilities"], {"picture": picture})[0][0]
print(classes[probabilities.argmax()], probabilities.max())
`, file)
}
