// Command listing lists a folder of images or of shards and draws the order of an epoch, and prints the time and memory that
// this takes.
//
//	listing [-make N] FOLDER
//
// With -make it writes N small images in 100 classes into the folder first.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"hymenoptera/dataset"
	"hymenoptera/internal/machine"
	"hymenoptera/internal/mt19937"
	"hymenoptera/shards"
	"hymenoptera/transforms"
)

func main() {
	n := flag.Int("make", 0, "images to write first")
	flag.Parse()
	err := write(flag.Arg(0), *n)
	if err == nil {
		err = list(flag.Arg(0))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "listing:", err)
		os.Exit(1)
	}
}

const classes = 100

// write writes n images of 32×32 pixels to train with, and a hundredth as many to validate with.
func write(root string, n int) error {
	for i := range n + n/100 {
		set := "train"
		if i >= n {
			set = "val"
		}
		dir := filepath.Join(root, set, fmt.Sprintf("class-%02d", i%classes))
		if i%n < classes {
			if err := os.MkdirAll(dir, 0o777); err != nil {
				return err
			}
		}
		m := image.NewNRGBA(image.Rect(0, 0, 32, 32))
		for k := range 32 * 32 {
			m.Set(k%32, k/32, color.NRGBA{uint8(i*k/32 + k), uint8(i / 7 * (k % 32)), uint8(i%classes*5 + k/9), 255})
		}
		var file bytes.Buffer
		if err := jpeg.Encode(&file, m, nil); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("IMG_%08d.jpg", i)), file.Bytes(), 0o666); err != nil {
			return err
		}
	}
	return nil
}

func heap() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

func open(root string) (train, val *dataset.ImageFolder, err error) {
	if shards.In(root) {
		return shards.Open(context.Background(), root)
	}
	return dataset.Open(root)
}

func list(root string) error {
	before, start := heap(), time.Now()
	train, val, err := open(root)
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
