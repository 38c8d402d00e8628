// Command datapath times the loader alone: it reads one phase of an image folder, decoded, cropped, resized and
// normalised, and prints a line a pass:
//
//	images seconds cpu-seconds
//
// bench/data.py runs it beside PyTorch's DataLoader.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"hymenoptera/dataset"
	"hymenoptera/internal/mt19937"
	"hymenoptera/transforms"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "datapath:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	fs := flag.NewFlagSet("datapath", flag.ContinueOnError)
	data := fs.String("data", "", "folder with train and val")
	phase := fs.String("phase", "train", "train or val")
	workers := fs.Int("workers", 0, "")
	passes := fs.Int("passes", 3, "")
	if err := fs.Parse(args); err != nil {
		return err
	}
	set, val, err := dataset.Open(*data)
	if err != nil {
		return err
	}
	tf := transforms.Train(224)
	if *phase == "val" {
		set, tf = val, transforms.Eval(224)
	}
	loader, err := dataset.NewLoader(set, tf, dataset.LoaderConfig{BatchSize: 32, Shuffle: true, Workers: *workers})
	if err != nil {
		return err
	}
	rng := mt19937.New(42)
	for range *passes {
		began, cpu := time.Now(), processor()
		n, err := pass(ctx, loader, rng)
		if err != nil {
			return err
		}
		fmt.Fprintln(stdout, n, time.Since(began).Seconds(), (processor() - cpu).Seconds())
	}
	return nil
}

// pass reads every batch once and returns the number of images.
func pass(ctx context.Context, l *dataset.Loader, rng dataset.Source) (n int, err error) {
	epoch := l.Epoch(ctx, rng)
	defer epoch.Close()
	for {
		b, err := epoch.Next()
		if errors.Is(err, dataset.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		n += b.N
		b.Release()
	}
}

// processor returns the time that this process has had on a core.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // RUSAGE_SELF is always there
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
