package classify_test

import (
	"context"
	"fmt"
	"os"

	"hymenoptera/classify"
)

func Example() {
	file, picture, remove := exampleFiles()
	defer remove()
	c, err := classify.Open(context.Background(), file) // runs/…/best.safetensors
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	data, err := os.ReadFile(picture) // a JPEG, PNG, …
	if err != nil {
		fmt.Println(err)
		return
	}
	predictions, err := c.Predict(context.Background(), data)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.Classes, len(predictions), len(predictions[0].Probabilities))
	// Output: [ants bees] 1 2
}

// exampleFiles returns a trained network, made for the example, and a picture.
func exampleFiles() (file, picture string, remove func()) {
	dir, err := os.MkdirTemp("", "classify-")
	if err != nil {
		panic(err)
	}
	if file, err = trained(dir, nil); err != nil {
		panic(err)
	}
	return file, "../cmd/hymenoptera/testdata/insects/val/bees/000.jpg", func() { os.RemoveAll(dir) }
}
