// Train draws ants and bees into a folder and fine-tunes ResNet18 on them: go run ./train FOLDER
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"hymenoptera/finetune"
)

func main() {
	o := finetune.DemoOptions() // for pictures of your own: DefaultOptions
	o.Data, o.Out, o.Epochs = os.Args[1]+"/data", os.Args[1]+"/run", 1
	if err := finetune.DrawDemo(o.Data); err != nil {
		log.Fatal(err)
	}
	result, err := finetune.Train(context.Background(), o, finetune.Hooks{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("accuracy %.4f, weights in %s\n", result.Best.Acc, result.Folder)
}
