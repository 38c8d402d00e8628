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

// The recipe auto chooses the options that suit the images.
func ExampleTrain_auto() {
	dir, err := os.MkdirTemp("", "finetune")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	o := finetune.DemoOptions()
	o.Data, o.Out = filepath.Join(dir, "images"), filepath.Join(dir, "run")
	if err := finetune.DrawDemo(o.Data); err != nil {
		log.Fatal(err)
	}
	o.Recipe, o.Epochs, o.ImageSize = "auto", 1, 32
	o.Fixed = []string{"epochs"} // auto would otherwise choose them too
	_, err = finetune.Train(context.Background(), o, finetune.Hooks{Chosen: func(o finetune.Options) error {
		fmt.Println(o.Optimizer, "at a rate of", o.LR, "in batches of", o.BatchSize)
		return nil
	}})
	if err != nil {
		log.Fatal(err)
	}
	// Output: adamw at a rate of 0.001 in batches of 16
}
