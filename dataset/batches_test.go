package dataset

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"hymenoptera/internal/mt19937"
	"hymenoptera/transforms"
)

// A run is a line of options in testdata/batches.txt and PyTorch's hashes that follow it.
type batchRun struct {
	seeds, workers      []int
	epochs, batch, size int
	noShuffle           bool
	want                []string
}

// batchRuns reads what scripts/make_fixtures.py wrote.
func batchRuns(t *testing.T) (runs []batchRun) {
	t.Helper()
	f, err := os.Open("testdata/batches.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		options, ok := strings.CutPrefix(s.Text(), "# ")
		if !ok {
			last := &runs[len(runs)-1]
			last.want = append(last.want, s.Text())
			continue
		}
		var r batchRun
		fs := flag.NewFlagSet("", flag.ContinueOnError)
		seeds, workers := fs.String("seeds", "", ""), fs.String("workers", "", "")
		fs.IntVar(&r.epochs, "epochs", 0, "")
		fs.IntVar(&r.batch, "batch-size", 0, "")
		fs.IntVar(&r.size, "image-size", 0, "")
		fs.BoolVar(&r.noShuffle, "no-shuffle", false, "")
		if err := fs.Parse(strings.Fields(options)); err != nil {
			t.Fatal(err)
		}
		for _, n := range strings.Split(*seeds, ",") {
			v, _ := strconv.Atoi(n)
			r.seeds = append(r.seeds, v)
		}
		for _, n := range strings.Split(*workers, ",") {
			v, _ := strconv.Atoi(n)
			r.workers = append(r.workers, v)
		}
		runs = append(runs, r)
	}
	return runs
}

// TestBatchesArePyTorchs compares every batch of the fixtures with the DataLoader's, as a hash.
func TestBatchesArePyTorchs(t *testing.T) {
	train, val, err := Open("testdata/folder")
	if err != nil {
		t.Fatal(err)
	}
	for _, run := range batchRuns(t) {
		var got []string
		for _, seed := range run.seeds {
			for _, workers := range run.workers {
				cfg := LoaderConfig{BatchSize: run.batch, Shuffle: !run.noShuffle, Workers: workers}
				rng := mt19937.New(uint64(seed))
				for epoch := range run.epochs {
					got = append(got, hashes(t, train, transforms.Train(run.size), cfg, rng, fmt.Sprint(seed, epoch, " train ", workers))...)
					got = append(got, hashes(t, val, transforms.Eval(run.size), cfg, rng, fmt.Sprint(seed, epoch, " val ", workers))...)
				}
			}
		}
		if len(got) != len(run.want) {
			t.Errorf("batch size %d: got %d batches, want %d", run.batch, len(got), len(run.want))
			continue
		}
		for i, want := range run.want {
			if got[i] != want {
				t.Errorf("batch size %d, image size %d:\n got %s\nwant %s", run.batch, run.size, got[i], want)
			}
		}
	}
}

// hashes returns a line for each batch of an epoch.
func hashes(t *testing.T, f *ImageFolder, tf transforms.Transform, cfg LoaderConfig, rng Source, name string) (lines []string) {
	t.Helper()
	l, err := NewLoader(f, tf, cfg)
	if err != nil {
		t.Fatal(err)
	}
	e := l.Epoch(context.Background(), rng)
	defer e.Close()
	for i := 0; ; i++ {
		b, err := e.Next()
		if errors.Is(err, EOF) {
			return lines
		}
		if err != nil {
			t.Fatal(err)
		}
		h := sha256.New()
		for _, v := range b.Images {
			h.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)))
		}
		for _, v := range b.Labels {
			h.Write(binary.LittleEndian.AppendUint64(nil, uint64(v)))
		}
		b.Release()
		lines = append(lines, fmt.Sprint(name, " ", i, " ", hex.EncodeToString(h.Sum(nil))))
	}
}
