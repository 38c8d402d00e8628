// Classify prints the class of a picture: go run ./classify RUN/best.safetensors PICTURE
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"hymenoptera/classify"
)

func main() {
	c, err := classify.Open(context.Background(), os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	picture, err := os.ReadFile(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	predictions, err := c.Predict(context.Background(), picture)
	if err != nil {
		log.Fatal(err)
	}
	best := predictions[0].Best()
	fmt.Printf("%s %.4f\n", c.Classes[best], predictions[0].Probabilities[best])
}
