// Command onnx-go classifies a picture with onnxruntime and a file that hymenoptera export wrote:
//
//	ONNXRUNTIME=/path/to/libonnxruntime.so go run . bees.onnx picture.jpg
package main

import (
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	_ "image/jpeg"
	_ "image/png"
	"log"
	"os"

	ort "github.com/yalue/onnxruntime_go"
)

func main() {
	file := must(os.Open(os.Args[2]))
	picture, _, err := image.Decode(file)
	check(err)
	size := picture.Bounds()
	var pixels []uint8 // height×width×3
	for y := size.Min.Y; y < size.Max.Y; y++ {
		for x := size.Min.X; x < size.Max.X; x++ {
			c := color.NRGBAModel.Convert(picture.At(x, y)).(color.NRGBA)
			pixels = append(pixels, c.R, c.G, c.B)
		}
	}

	ort.SetSharedLibraryPath(os.Getenv("ONNXRUNTIME"))
	check(ort.InitializeEnvironment())
	model := must(ort.NewDynamicAdvancedSession(os.Args[1], []string{"picture"}, []string{"probabilities"}, nil))
	input := must(ort.NewTensor(ort.NewShape(int64(size.Dy()), int64(size.Dx()), 3), pixels))
	outputs := []ort.Value{nil}
	check(model.Run([]ort.Value{input}, outputs))

	text, _, err := must(model.GetModelMetadata()).LookupCustomMetadataMap("classes")
	check(err)
	var classes []string
	check(json.Unmarshal([]byte(text), &classes))
	for i, p := range outputs[0].(*ort.Tensor[float32]).GetData() {
		fmt.Printf("%-12s %6.2f %%\n", classes[i], 100*p)
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func must[T any](v T, err error) T {
	check(err)
	return v
}
