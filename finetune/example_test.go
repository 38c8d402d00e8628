package finetune_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"hymenoptera/finetune"
)

// A whole training, on drawn ants and bees.
func ExampleTrain() {
	dir, err := os.MkdirTemp("", "finetune")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	o := finetune.DemoOptions() // or DefaultOptions, for the notebook's training
	o.Data, o.Out = filepath.Join(dir, "images"), filepath.Join(dir, "run")
	o.Epochs, o.ImageSize = 1, 32
	if err := finetune.DrawDemo(o.Data); err != nil {
		log.Fatal(err)
	}
	result, err := finetune.Train(context.Background(), o, finetune.Hooks{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(result.History), "phases,", result.Best.N, "images to validate with")
	// Output: 2 phases, 152 images to validate with
}
