package run_test

import (
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"hymenoptera/metrics"
	"hymenoptera/run"
)

// A training writes its folder, and another program reads it.
func Example() {
	dir, err := os.MkdirTemp("", "run")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	f, err := run.Create(filepath.Join(dir, "bees"), false)
	if err != nil {
		log.Fatal(err)
	}
	val := metrics.Phase{Name: "val", Loss: 0.3, Acc: 0.75, Corrects: 3, N: 4}
	err = errors.Join(
		f.WriteConfig(map[string]any{"model": "resnet18", "epochs": 1}),
		f.Append(metrics.Phase{Name: "train", Loss: 0.5, N: 8}),
		f.Append(val),
		f.WriteResult(run.Result{Best: val, Seconds: 2.5}),
		f.Close(),
	)
	if err != nil {
		log.Fatal(err)
	}

	history, err := run.ReadHistory(f.Path())
	if err != nil {
		log.Fatal(err)
	}
	for _, phase := range history {
		fmt.Println(phase.Name, phase.Loss)
	}
	result, err := run.ReadResult(f.Path())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("best:", result.Best.Acc)
	// Output:
	// train 0.5
	// val 0.3
	// best: 0.75
}
