package dataset

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hymenoptera/internal/mt19937"
	"hymenoptera/transforms"
)

// folders makes empty files root/<class>/<n>.jpg.
func folders(t *testing.T, root string, counts map[string]int) {
	t.Helper()
	for class, n := range counts {
		if err := os.MkdirAll(filepath.Join(root, class), 0o777); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			if err := os.WriteFile(filepath.Join(root, class, fmt.Sprintf("%03d.jpg", i)), nil, 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func paths(f *ImageFolder) (names []string) {
	for _, s := range f.Samples {
		names = append(names, s.Path)
	}
	return names
}

// Split takes its share of every class, puts each picture into one of the two sets, keeps their order, and depends
// only on the seed.
func TestSplit(t *testing.T) {
	root := t.TempDir()
	folders(t, root, map[string]int{"a": 10, "b": 2, "c": 33, "d": 3})
	all, err := NewImageFolder(root)
	if err != nil {
		t.Fatal(err)
	}
	split := func(fraction float64, seed uint64) (train, val *ImageFolder) {
		train, val, err := Layout{ValFraction: fraction, Seed: seed}.Open(root)
		if err != nil {
			t.Fatal(err)
		}
		return train, val
	}
	for fraction, want := range map[float64][]int{0.2: {2, 1, 7, 1}, 0.5: {5, 1, 17, 2}, 0.01: {1, 1, 1, 1}, 0.99: {9, 1, 32, 2}} {
		train, val := split(fraction, 1)
		if got := val.Counts(); !slices.Equal(got, want) {
			t.Errorf("%v: %v pictures of the classes, want %v", fraction, got, want)
		}
		for _, f := range []*ImageFolder{train, val} {
			if !slices.IsSorted(paths(f)) || !slices.Equal(f.Classes, all.Classes) {
				t.Errorf("%v: %v of %v", fraction, paths(f), f.Classes)
			}
		}
		both := slices.Sorted(slices.Values(slices.Concat(paths(train), paths(val))))
		if !slices.Equal(both, paths(all)) {
			t.Errorf("%v: the two sets are not the whole", fraction)
		}
		for i, s := range val.Samples {
			if !strings.Contains(s.Path, "/"+val.Classes[s.Label]+"/") {
				t.Errorf("%v: sample %d, %s, has the label of %s", fraction, i, s.Path, val.Classes[s.Label])
			}
		}
	}
	_, one := split(0.2, 1)
	_, again := split(0.2, 1)
	_, other := split(0.2, 2)
	if !slices.Equal(paths(one), paths(again)) || slices.Equal(paths(one), paths(other)) {
		t.Errorf("seed 1: %v and %v; seed 2: %v", paths(one), paths(again), paths(other))
	}
}

// Groups stay on one side, and have no effect if they would be on one side without them.
func TestSplitKeepsGroupsTogether(t *testing.T) {
	root := t.TempDir()
	folders(t, root, map[string]int{"a": 10, "b": 4, "c": 20})
	all, err := NewImageFolder(root)
	if err != nil {
		t.Fatal(err)
	}
	sides := func(seed uint64, together [][]int) (val []bool) {
		_, v, err := all.Split(0.3, mt19937.New(seed), together)
		if err != nil {
			t.Fatal(err)
		}
		in := paths(v)
		for _, s := range all.Samples {
			val = append(val, slices.Contains(in, s.Path))
		}
		for label, n := range v.Counts() {
			if n == 0 || n == all.Counts()[label] {
				t.Errorf("seed %d: %d of %d pictures of class %d to validate with", seed, n, all.Counts()[label], label)
			}
		}
		return val
	}
	groups := [][]int{{0, 3, 9}, {1, 2}, {10, 11}, {12, 13}, {5, 14, 20}, {15, 16, 17, 18, 19, 21, 22, 23, 24, 25, 26, 27}}
	for seed := range uint64(50) {
		val := sides(seed, groups)
		for _, g := range groups {
			for _, i := range g {
				if val[i] != val[g[0]] {
					t.Errorf("seed %d: group %v is divided", seed, g)
				}
			}
		}
		alone := sides(seed, nil)
		var whole [][]int
		for _, pair := range [][]int{{0, 3}, {11, 12}, {14, 20}} {
			if alone[pair[0]] == alone[pair[1]] {
				whole = append(whole, pair)
			}
		}
		if got := sides(seed, whole); !slices.Equal(got, alone) {
			t.Errorf("seed %d: groups on one side change the split", seed)
		}
	}
	everything := make([]int, 10)
	for i := range everything {
		everything[i] = i
	}
	sides(1, [][]int{everything}) // the whole class a is one group
}

func TestLayouts(t *testing.T) {
	root := t.TempDir()
	folders(t, filepath.Join(root, "flat"), map[string]int{"a": 4, "b": 4})
	folders(t, filepath.Join(root, "train alone", "train"), map[string]int{"a": 4, "b": 4})
	folders(t, filepath.Join(root, "both", "train"), map[string]int{"a": 4, "b": 4, "empty": 0})
	folders(t, filepath.Join(root, "both", "val"), map[string]int{"a": 1, "b": 1, "other": 1})
	folders(t, filepath.Join(root, "single"), map[string]int{"a": 4, "b": 1})
	for _, tt := range []struct {
		folder string
		layout Layout
		want   string // classes and sizes, or a part of the error
	}{
		{"flat", Layout{ValFraction: 0.25}, "[a b] 6 2"},
		{"train alone", Layout{ValFraction: 0.25}, "[a b] 6 2"},
		{"flat", Layout{ValFraction: 0.25, Classes: []string{"b"}}, "[b] 3 1"},
		{"both", Layout{Classes: []string{"b", "a"}}, "[a b] 8 2"},
		{"both", Layout{}, "class empty: no pictures"},
		{"both", Layout{Classes: []string{"a", "other"}}, "train has no class folder other: found a/, b/, empty/"},
		{"both", Layout{ValFraction: 0.25}, "has a folder val"},
		{"flat", Layout{}, "has no folder train"},
		{"single", Layout{ValFraction: 0.25}, "class b: 1 pictures cannot be divided"},
		{"flat", Layout{ValFraction: 1}, "want more than 0 and less than 1"},
		{"nothing", Layout{ValFraction: 0.25}, "no folder"},
		{"both", Layout{Classes: []string{"b", "a"}, Exclude: map[string]bool{"train/a/000.jpg": true, "val/a/009.jpg": true}}, "[a b] 7 2"},
		{"both", Layout{Classes: []string{"b", "a"}, Exclude: map[string]bool{"val/a/000.jpg": true}}, "class a: all pictures in"},
		{"flat", Layout{ValFraction: 0.25, Exclude: map[string]bool{"a/000.jpg": true, "a/001.jpg": true}}, "[a b] 4 2"},
	} {
		train, val, err := tt.layout.Open(filepath.Join(root, tt.folder))
		got := fmt.Sprint(err)
		if err == nil {
			got = fmt.Sprint(train.Classes, len(train.Samples), " ", len(val.Samples))
		}
		if !strings.Contains(got, tt.want) {
			t.Errorf("%s, %+v: got %s, want %s", tt.folder, tt.layout, got, tt.want)
		}
	}
}

// With weights, the samples of an epoch are those that PyTorch's WeightedRandomSampler draws from the main generator after
// the base seed. mt19937's golden has the draws themselves.
func TestWeightsDrawFromTheMainGenerator(t *testing.T) {
	folder, err := NewImageFolder("../cmd/hymenoptera/testdata/insects/val")
	if err != nil {
		t.Fatal(err)
	}
	n := len(folder.Samples)
	weights := make([]float64, n)
	for i := range weights {
		weights[i] = float64(i%3 + 1)
	}
	for _, workers := range []int{0, 2} {
		loader, err := NewLoader(folder, transforms.Eval(32), LoaderConfig{BatchSize: 4, Workers: workers, Weights: weights})
		if err != nil {
			t.Fatal(err)
		}
		src, want := mt19937.New(7), make([]int, n)
		mt19937.Int64(src)
		mt19937.Multinomial(src, weights, want)
		var got []int
		epoch := loader.Epoch(t.Context(), mt19937.New(7))
		defer epoch.Close()
		for b, err := epoch.Next(t.Context()); err != io.EOF; b, err = epoch.Next(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, b.Indices...)
			b.Release()
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d workers: got %v, want %v", workers, got, want)
		}
	}
	for _, cfg := range []LoaderConfig{
		{BatchSize: 1, Weights: weights, Shuffle: true}, {BatchSize: 1, Weights: weights[1:]}, {BatchSize: 1, Weights: make([]float64, n)},
	} {
		if _, err := NewLoader(folder, transforms.Eval(32), cfg); err == nil {
			t.Errorf("%d weights, %v shuffled: accepted", len(cfg.Weights), cfg.Shuffle)
		}
	}
}
