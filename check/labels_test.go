package check

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"hymenoptera/dataset"
)

// The suspects and their order are cleanlab's (scripts/make_label_goldens.py).
func TestLabelIssuesAreCleanlabs(t *testing.T) {
	var cases []struct {
		Name                string
		Labels, Issues      []int
		Probs               [][]float64
		Thresholds, Quality []float64
	}
	data, err := os.ReadFile("testdata/cleanlab.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &cases); err != nil || len(cases) < 4 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, c := range cases {
		for k, got := range confidentThresholds(c.Probs, c.Labels) {
			if math.Abs(got-c.Thresholds[k]) > 1e-12 {
				t.Errorf("%s: threshold %d: got %v, want %v", c.Name, k, got, c.Thresholds[k])
			}
		}
		for i, p := range c.Probs {
			if p[c.Labels[i]] != c.Quality[i] {
				t.Errorf("%s: quality of %d: got %v, want %v", c.Name, i, p[c.Labels[i]], c.Quality[i])
			}
		}
		if got := LabelIssues(c.Probs, c.Labels); !slices.Equal(got, c.Issues) {
			t.Errorf("%s: got %v, want %v", c.Name, got, c.Issues)
		}
	}
	if got := LabelIssues(nil, nil); got != nil {
		t.Errorf("of nothing: got %v", got)
	}
}

// Copies get the same fold, every fold has both classes, and the report has the results of the probabilities.
func TestProbe(t *testing.T) {
	dir := drawn(t)
	write(t, filepath.Join(dir, "val/bees/copy.jpg"), read(t, filepath.Join(dir, "train/ants/004.jpg")))
	write(t, filepath.Join(dir, "train/ants/broken.jpg"), []byte("x"))
	o := Options{Data: dir, Workers: 2}
	o.Probe = func(_ context.Context, folder *dataset.ImageFolder, fold []int) (probs [][]float64, err error) {
		if len(fold) != 37 || len(folder.Samples) != 37 {
			t.Fatalf("%d folds of %d pictures", len(fold), len(folder.Samples))
		}
		counts := map[[2]int]int{}
		copies := map[string]int{}
		for i, s := range folder.Samples {
			counts[[2]int{s.Label, fold[i]}]++
			copies[relative(dir, s.Path)] = fold[i]
			p := []float64{0.9, 0.1}
			if s.Label == 1 {
				p = []float64{0.1, 0.9}
			}
			if relative(dir, s.Path) == "val/bees/copy.jpg" {
				p = []float64{0.95, 0.05}
			}
			probs = append(probs, p)
		}
		for key, n := range counts {
			if key[1] < 0 || key[1] >= folds || n < 1 || n > 3 {
				t.Errorf("class %d has %d pictures in fold %d", key[0], n, key[1])
			}
		}
		if copies["val/bees/copy.jpg"] != copies["train/ants/004.jpg"] {
			t.Error("copies are in different folds")
		}
		return probs, nil
	}
	r, err := Run(context.Background(), o, Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	l := r.Labels
	if l.N != 37 || l.Corrects != 36 || l.Low > l.Accuracy || l.High < l.Accuracy {
		t.Errorf("got %+v", l)
	}
	if want := []Suspect{{"val/bees/copy.jpg", "bees", "ants", 0.95, 0.05}}; !slices.Equal(l.Suspects, want) {
		t.Errorf("got %+v", l.Suspects)
	}
}

// Probe is not called for a single class, nor if all pictures are in one fold.
func TestProbeOfTooLittle(t *testing.T) {
	dir := drawn(t)
	few := t.TempDir()
	for _, class := range []string{"ants", "bees"} {
		write(t, filepath.Join(few, class, "1.jpg"), read(t, filepath.Join(dir, "train", class, "000.jpg")))
	}
	if err := os.RemoveAll(filepath.Join(dir, "train/bees")); err != nil {
		t.Fatal(err)
	}
	for _, data := range []string{filepath.Join(dir, "train"), few} {
		o := Options{Data: data, Workers: 1, Probe: func(context.Context, *dataset.ImageFolder, []int) ([][]float64, error) {
			t.Errorf("%s: a network was asked", data)
			return nil, nil
		}}
		if r, err := Run(context.Background(), o, Hooks{}); err != nil || r.Labels != nil {
			t.Errorf("%s: got %+v, %v", data, r, err)
		}
	}
}
