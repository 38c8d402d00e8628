package classify_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"hymenoptera/classify"
	"hymenoptera/dataset"
	"hymenoptera/metrics"
	"hymenoptera/torch"
	"hymenoptera/trainer"
	"hymenoptera/transforms"
)

// open returns a classifier for a file as a run leaves it.
func open(t *testing.T, cfg classify.Config) (c *classify.Classifier, file string) {
	t.Helper()
	file, err := trained(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = classify.OpenConfig(t.Context(), file, cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, file
}

// A stream's results are Predict's for the same batches, in the pictures' order, and bad pictures give errors
// in that order and take no place in a batch.
func TestStreamIsPredictInBatches(t *testing.T) {
	c, _ := open(t, classify.DefaultConfig())
	val := insects(t)
	bad := filepath.Join(t.TempDir(), "bad.jpg")
	if err := os.WriteFile(bad, []byte("no picture"), 0o666); err != nil {
		t.Fatal(err)
	}
	var names []string
	var good [][]byte
	for i, s := range val.Samples {
		if i == 1 || i == 5 {
			names = append(names, bad, filepath.Join(t.TempDir(), "gone.jpg"))
		}
		data, err := os.ReadFile(s.Path)
		if err != nil {
			t.Fatal(err)
		}
		names, good = append(names, s.Path), append(good, data)
	}
	var want []classify.Prediction
	for batch := range slices.Chunk(good, 3) {
		ps, err := c.Predict(t.Context(), batch...)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, ps...)
	}
	for _, workers := range []int{1, 3} {
		var got []classify.Result
		for r, err := range c.Stream(t.Context(), files(names), 3, workers) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, r)
		}
		if len(got) != len(names) {
			t.Fatalf("%d workers: %d results, want %d", workers, len(got), len(names))
		}
		rest := want
		for i, r := range got {
			switch {
			case r.Name != names[i]:
				t.Errorf("%d workers: result %d is of %s, want %s", workers, i, r.Name, names[i])
			case names[i] == bad:
				if r.Err == nil || !strings.Contains(r.Err.Error(), "not an image") {
					t.Errorf("what is no picture: %v", r.Err)
				}
			case strings.HasSuffix(names[i], "gone.jpg"):
				if !errors.Is(r.Err, fs.ErrNotExist) {
					t.Errorf("a missing file: %v", r.Err)
				}
			default:
				if r.Err != nil || !slices.Equal(r.Logits, rest[0].Logits) {
					t.Errorf("%d workers, %s: got %v (%v), want %v", workers, r.Name, r.Logits, r.Err, rest[0].Logits)
				}
				rest = rest[1:]
			}
		}
	}
}

func files(names []string) iter.Seq[classify.Picture] {
	return func(yield func(classify.Picture) bool) {
		for _, name := range names {
			if !yield(classify.File(name)) {
				return
			}
		}
	}
}

// A stream that is ended early, by its reader or by its context, leaves no goroutine and no tensor behind.
func TestStreamEndsEarly(t *testing.T) {
	c, _ := open(t, classify.DefaultConfig())
	forever := func(yield func(classify.Picture) bool) {
		for yield(classify.File(insects(t).Samples[0].Path)) {
		}
	}
	goroutines, tensors := runtime.NumGoroutine(), torch.Live()
	for r, err := range c.Stream(t.Context(), forever, 2, 2) {
		if err != nil || r.Err != nil {
			t.Fatal(err, r.Err)
		}
		break
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	var last error
	for _, err := range c.Stream(ctx, forever, 2, 2) {
		if last = err; n == 3 {
			cancel()
		}
		n++
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("cancelled: the last error is %v", last)
	}
	if got := runtime.NumGoroutine(); got > goroutines {
		t.Errorf("%d goroutines, want %d", got, goroutines)
	}
	if got := torch.Live(); got != tensors {
		t.Errorf("%d live handles, want %d", got, tensors)
	}
}

// Evaluate returns the loss, to the last bit, and the counts that the trainer returns for the same order. A set that
// lacks some of the classes keeps its labels.
func TestEvaluateIsTheTrainers(t *testing.T) {
	c, file := open(t, classify.DefaultConfig())
	val := insects(t)
	want := evaluation(t, file, val)
	got, err := c.Evaluate(t.Context(), val, 3, 2)
	if err != nil {
		t.Fatal(err)
	}
	if got.Loss != want.Loss || got.Corrects != want.Corrects || got.N != len(val.Samples) || len(got.Predictions) != got.N {
		t.Errorf("got %+v with %d predictions, want %+v", got.Phase, len(got.Predictions), want)
	}
	hits := 0
	for i, p := range got.Predictions {
		if p.Best() == got.Labels[i] {
			hits++
		}
	}
	if hits != want.Corrects {
		t.Errorf("%d right by the predictions, want %d", hits, want.Corrects)
	}

	var bees dataset.ImageFolder
	for _, s := range val.Samples {
		if val.Classes[s.Label] == "bees" {
			bees.Samples = append(bees.Samples, dataset.Sample{Path: s.Path})
		}
	}
	bees.Classes = []string{"bees"}
	if got, err = c.Evaluate(t.Context(), &bees, 3, 0); err != nil || fmt.Sprint(got.Labels) != "[1 1 1 1]" {
		t.Errorf("bees alone: labels %v, error %v", got, err)
	}
	bees.Classes[0] = "wasps"
	if _, err = c.Evaluate(t.Context(), &bees, 3, 0); err == nil || !strings.Contains(err.Error(), "a class wasps, which the network does not know") {
		t.Errorf("an unknown class: %v", err)
	}
}

// evaluation is what the trainer computes for the folder in batches of 3.
func evaluation(t *testing.T, file string, folder *dataset.ImageFolder) (p metrics.Phase) {
	t.Helper()
	loader, err := dataset.NewLoader(folder, transforms.Eval(64), dataset.LoaderConfig{BatchSize: 3})
	if err != nil {
		t.Fatal(err)
	}
	err = torch.Do(t.Context(), func(s *torch.Scope) error {
		net, err := network(s, file)
		if err != nil {
			return err
		}
		p, err = trainer.Evaluate(t.Context(), s, net, loader, trainer.DefaultConfig())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The fast mode's logits equal the exact ones within bfloat16's eight bits.
func TestFastIsCloseToExact(t *testing.T) {
	exact, _ := open(t, classify.DefaultConfig())
	fast, _ := open(t, classify.Config{Device: torch.CPU, Fast: true})
	for _, s := range insects(t).Samples {
		data, err := os.ReadFile(s.Path)
		if err != nil {
			t.Fatal(err)
		}
		want, err := exact.Predict(t.Context(), data)
		if err != nil {
			t.Fatal(err)
		}
		got, err := fast.Predict(t.Context(), data)
		if err != nil {
			t.Fatal(err)
		}
		for i, w := range want[0].Logits {
			if g := got[0].Logits[i]; math.Abs(float64(g-w)) > 0.02 {
				t.Errorf("%s: logit %d is %v, exactly %v", s.Path, i, g, w)
			}
		}
	}
}
