// Command listing makes a folder of a million images, which are empty, and prints how long it takes to list it and to draw the
// order of an epoch, and the memory that they take.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"hymenoptera/dataset"
	"hymenoptera/internal/machine"
	"hymenoptera/internal/mt19937"
	"hymenoptera/transforms"
)

func main() {
	n := flag.Int("n", 1e6, "files to make")
	flag.Parse()
	root, err := os.MkdirTemp("", "listing-")
	if err == nil {
		err = errors.Join(list(root, *n), os.RemoveAll(root))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "listing:", err)
		os.Exit(1)
	}
}

// fill makes n empty files in 100 classes, and as few as possible to validate with.
func fill(root string, n int) error {
	for i := range n + classes {
		set := "train"
		if i >= n {
			set = "val"
		}
		dir := filepath.Join(root, set, fmt.Sprintf("class-%02d", i%classes))
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("IMG_%08d.jpg", i)), nil, 0o666); err != nil {
			return err
		}
	}
	return nil
}

const classes = 100

func heap() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

func list(root string, n int) error {
	if err := fill(root, n); err != nil {
		return err
	}
	before, start := heap(), time.Now()
	train, val, err := dataset.Open(root)
	if err != nil {
		return err
	}
	took := time.Since(start)
	images := float64(len(train.Samples) + len(val.Samples))
	fmt.Printf("%.0f images listed in %.2f s, %.0f bytes per image\n", images, took.Seconds(), (heap()-before)/images)
	loader, err := dataset.NewLoader(train, transforms.Train(32), dataset.DefaultLoaderConfig())
	if err != nil {
		return err
	}
	start = time.Now()
	loader.Epoch(context.Background(), mt19937.New(1)).Close()
	fmt.Printf("with a loader and an order, drawn in %.2f s: %.0f bytes per image; at most %.0f MB\n", time.Since(start).Seconds(), (heap()-before)/images, float64(machine.PeakMemory())/1e6)
	runtime.KeepAlive(loader)
	runtime.KeepAlive(train)
	runtime.KeepAlive(val)
	return nil
}
