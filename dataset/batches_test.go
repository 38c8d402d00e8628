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
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"hymenoptera/internal/mt19937"
	"hymenoptera/transforms"
)

// A batchRun is a line of options in testdata/batches.txt and PyTorch's hashes that follow it.
type batchRun struct {
	seeds, workers      []int
	epochs, batch, size int
	noShuffle           bool
	augment             string
	want                []string
}

// batchRuns reads the file that scripts/make_fixtures.py wrote.
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
		fs.StringVar(&r.augment, "augment", "flip", "")
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

// dealt returns a set of three classes: the pictures of testdata that Pillow reads, distributed as scripts/make_fixtures.py
// distributed them before PyTorch made their batches.
func dealt(t testing.TB) string {
	t.Helper()
	root := t.TempDir()
	put := func(name string, data []byte) {
		path := filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, data, 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	for _, g := range goldens(t) {
		if g.Error == "" {
			names = append(names, g.File)
		}
	}
	slices.Sort(names)
	for i, name := range names {
		phase, sub := "train", ""
		if i%3 == 0 {
			phase = "val"
		}
		if i%7 == 0 {
			sub = "deeper"
		}
		put(filepath.Join(phase, "abc"[i/3%3:][:1], sub, name), readImage(t, name))
	}
	put("train/a/notes.txt", []byte("no picture\n"))
	put("train/a/drawing.gif", []byte("no picture\n"))
	return root
}

// TestBatchesArePyTorchs compares the hash of every batch in the fixtures with the DataLoader's: without a cache, with
// one that is too small, and with one that holds everything.
func TestBatchesArePyTorchs(t *testing.T) {
	train, val, err := Open(dealt(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, cache := range []int64{0, 100_000, 1 << 30} {
		t.Run(fmt.Sprint(cache), func(t *testing.T) {
			for _, run := range batchRuns(t) {
				got := run.hashes(t, train, val, cache)
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
		})
	}
}

// hashes makes the run's batches and returns their lines.
func (r batchRun) hashes(t *testing.T, train, val *ImageFolder, cache int64) (got []string) {
	t.Helper()
	training, err := transforms.Train(r.size).Augmented(r.augment)
	if err != nil {
		t.Fatal(err)
	}
	for _, seed := range r.seeds {
		for _, workers := range r.workers {
			cfg := LoaderConfig{BatchSize: r.batch, Shuffle: !r.noShuffle, Workers: workers, Cache: NewCache(cache)}
			trainLoader, err := NewLoader(train, training, cfg)
			if err != nil {
				t.Fatal(err)
			}
			valLoader, err := NewLoader(val, transforms.Eval(r.size), cfg)
			if err != nil {
				t.Fatal(err)
			}
			rng := mt19937.New(uint64(seed))
			for epoch := range r.epochs {
				got = append(got, hashes(t, trainLoader, rng, fmt.Sprint(seed, epoch, " train ", workers))...)
				got = append(got, hashes(t, valLoader, rng, fmt.Sprint(seed, epoch, " val ", workers))...)
			}
			if kept := cache - cfg.Cache.left.Load(); (kept > 0) != (cache > 0) || kept > cache {
				t.Errorf("%d bytes are kept of %d", kept, cache)
			}
		}
	}
	return got
}

// hashes returns a line for each batch of an epoch.
func hashes(t *testing.T, l *Loader, rng Source, name string) (lines []string) {
	t.Helper()
	e := l.Epoch(context.Background(), rng)
	defer e.Close()
	for i := 0; ; i++ {
		b, err := e.Next(context.Background())
		if errors.Is(err, io.EOF) {
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
