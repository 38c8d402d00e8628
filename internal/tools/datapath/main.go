// Command datapath times only the loader: it reads one phase of an image folder, decoded, cropped, resized and normalised,
// and prints a line per pass:
//
//	images seconds cpu-seconds
//
// With --cache the decoded pictures stay in memory from pass to pass. With --list it lists a folder of classes instead.
// bench/data.py and bench/growth.py run it beside PyTorch.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
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
	cache := fs.Bool("cache", false, "keep decoded pictures")
	list := fs.Bool("list", false, "list --data, a folder of classes, and read nothing")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if *list {
		return timed(stdout, func() (int, error) {
			f, err := dataset.NewImageFolder(*data)
			if err != nil {
				return 0, err
			}
			return len(f.Samples), nil
		})
	}
	set, val, err := dataset.Open(*data)
	if err != nil {
		return err
	}
	tf := transforms.Train(224)
	if *phase == "val" {
		set, tf = val, transforms.Eval(224)
	}
	cfg := dataset.LoaderConfig{BatchSize: 32, Shuffle: true, Workers: *workers}
	if *cache {
		cfg.Cache = dataset.NewCache(math.MaxInt64)
	}
	loader, err := dataset.NewLoader(set, tf, cfg)
	if err != nil {
		return err
	}
	rng := mt19937.New(42)
	for range *passes {
		if err := timed(stdout, func() (int, error) { return pass(ctx, loader, rng) }); err != nil {
			return err
		}
	}
	return nil
}

// timed prints the number of images that f returns, and how long f took.
func timed(stdout io.Writer, f func() (n int, err error)) error {
	began, cpu := time.Now(), processor()
	n, err := f()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, n, time.Since(began).Seconds(), (processor() - cpu).Seconds())
	return err
}

// pass reads every batch once and returns the number of images.
func pass(ctx context.Context, l *dataset.Loader, rng dataset.Source) (n int, err error) {
	epoch := l.Epoch(ctx, rng)
	defer epoch.Close()
	for {
		b, err := epoch.Next(ctx)
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		n += b.N
		b.Release()
	}
}

// processor returns the processor time of this process.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // RUSAGE_SELF is always there
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
