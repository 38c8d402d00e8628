package checkpoint_test

import (
	"fmt"
	"log"

	"hymenoptera/checkpoint"
)

func ExampleRead() {
	sd, err := checkpoint.Read("testdata/parameters-legacy.pth")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(sd.Format)
	for _, t := range sd.Tensors[:3] {
		fmt.Println(t.Name, t.DType, t.Shape, len(t.Data), "bytes")
	}
	_, err = checkpoint.Read("testdata/refused-sparse.pth")
	fmt.Println(err != nil)
	// Output:
	// pth (legacy, before PyTorch 1.6)
	// 0.weight float32 [2 1 3 3] 72 bytes
	// 0.bias float32 [2] 8 bytes
	// 1.weight float32 [2] 8 bytes
	// true
}
