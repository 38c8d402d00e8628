// Command batches prints a line for every batch that the loader makes of an ants-and-bees folder:
//
//	seed epoch phase workers batch sha256
//
// The hash is over the bytes of the images (float32, N×3×H×W) and then of the labels (int64), little-endian.
// scripts/reference_batches.py prints the same lines from PyTorch's DataLoader.
package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"

	"hymenoptera/dataset"
	"hymenoptera/internal/mt19937"
	"hymenoptera/transforms"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "batches:", err)
		os.Exit(1)
	}
}

// options are the command line's.
type options struct {
	data           string
	seeds, workers numbers
	epochs         int
	batch, size    int
	noShuffle      bool
	augment        string
}

// numbers is a comma-separated list.
type numbers []int

func (n *numbers) String() string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(*n), " ", ","), "[]")
}

func (n *numbers) Set(text string) error {
	*n = nil
	for _, s := range strings.Split(text, ",") {
		v, err := strconv.Atoi(s)
		if err != nil {
			return err
		}
		*n = append(*n, v)
	}
	return nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o := options{seeds: numbers{0, 1, 42}, workers: numbers{0, 1, 2, 4}}
	fs := flag.NewFlagSet("batches", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&o.data, "data", "", "folder with train and val")
	fs.Var(&o.seeds, "seeds", "comma-separated")
	fs.Var(&o.workers, "workers", "comma-separated")
	fs.IntVar(&o.epochs, "epochs", 2, "")
	fs.IntVar(&o.batch, "batch-size", 32, "")
	fs.IntVar(&o.size, "image-size", 224, "")
	fs.BoolVar(&o.noShuffle, "no-shuffle", false, "")
	fs.StringVar(&o.augment, "augment", "flip", strings.Join(transforms.Degrees, ", "))
	if err := fs.Parse(args); err != nil {
		return err
	}
	training, err := transforms.Train(o.size).Augmented(o.augment)
	if err != nil {
		return err
	}
	train, val, err := dataset.Open(o.data)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(stdout)
	defer out.Flush()
	for _, seed := range o.seeds {
		for _, workers := range o.workers {
			cfg := dataset.LoaderConfig{BatchSize: o.batch, Shuffle: !o.noShuffle, Workers: workers}
			trainLoader, err := dataset.NewLoader(train, training, cfg)
			if err != nil {
				return err
			}
			valLoader, err := dataset.NewLoader(val, transforms.Eval(o.size), cfg)
			if err != nil {
				return err
			}
			rng := mt19937.New(uint64(seed))
			for epoch := range o.epochs {
				if err := phase(ctx, out, fmt.Sprint(seed, epoch, " train ", workers), trainLoader, rng); err != nil {
					return err
				}
				if err := phase(ctx, out, fmt.Sprint(seed, epoch, " val ", workers), valLoader, rng); err != nil {
					return err
				}
			}
		}
	}
	return out.Flush()
}

// phase prints the lines of one pass over a set.
func phase(ctx context.Context, out io.Writer, name string, l *dataset.Loader, rng dataset.Source) error {
	epoch := l.Epoch(ctx, rng)
	defer epoch.Close()
	var buf []byte
	for i := 0; ; i++ {
		b, err := epoch.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		buf = buf[:0]
		for _, f := range b.Images {
			buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(f))
		}
		for _, label := range b.Labels {
			buf = binary.LittleEndian.AppendUint64(buf, uint64(label))
		}
		b.Release()
		sum := sha256.Sum256(buf)
		fmt.Fprintln(out, name, i, hex.EncodeToString(sum[:]))
	}
}
