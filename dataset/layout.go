package dataset

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"hymenoptera/internal/mt19937"
)

// A Layout says which pictures of a folder to train and to validate with. The zero value is the notebook's: all
// classes of train and val.
type Layout struct {
	Classes []string // the class folders to use; nil for all
	// ValFraction, if not 0, is the share of each class's pictures to validate with. The folder must then have no
	// val folder: its pictures lie in train/<class> or in <class>.
	ValFraction float64
	Seed        uint64 // for that choice
	// Exclude has the pictures to leave out, by their paths below the root, with slashes.
	Exclude map[string]bool
	// Together, if not nil, returns groups of samples that ValFraction must not divide, as indices.
	Together func(*ImageFolder) ([][]int, error)
}

// Open lists the two sets of the notebook's layout: root/train and root/val, which must have the same
// classes.
func Open(root string) (train, val *ImageFolder, err error) { return Layout{}.Open(root) }

// Open lists the training and the validation set under root, which have the same classes.
func (l Layout) Open(root string) (train, val *ImageFolder, err error) {
	if l.ValFraction != 0 {
		return l.split(root)
	}
	if train, err = l.openPhase(root, "train"); err != nil {
		return nil, nil, err
	}
	if val, err = l.openPhase(root, "val"); err != nil {
		return nil, nil, err
	}
	if !slices.Equal(train.Classes, val.Classes) {
		return nil, nil, fmt.Errorf("dataset: %s: train and val must have the same classes: only train has %s, only val has %s",
			root, firstFew(Shown(without(train.Classes, val.Classes)...)), firstFew(Shown(without(val.Classes, train.Classes)...)))
	}
	return train, val, nil
}

// openPhase lists one of the two sets.
func (l Layout) openPhase(root, phase string) (*ImageFolder, error) {
	if entries, err := os.ReadDir(root); err != nil {
		return nil, fmt.Errorf("dataset: %w", missing(root, err))
	} else if !slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == phase }) {
		return nil, fmt.Errorf("dataset: %s has no folder %s: want train and val, found %s", root, phase, found(entries))
	}
	return l.list(root, filepath.Join(root, phase))
}

// list lists the pictures in dir, which is root or a folder below it, without those that Exclude names.
func (l Layout) list(root, dir string) (*ImageFolder, error) {
	f, err := newImageFolder(dir, l.Classes)
	if err != nil || len(l.Exclude) == 0 {
		return f, err
	}
	f.Samples = slices.DeleteFunc(f.Samples, func(s Sample) bool {
		path, err := filepath.Rel(root, s.Path)
		return err == nil && l.Exclude[filepath.ToSlash(path)]
	})
	if label := slices.Index(f.Counts(), 0); label >= 0 {
		return nil, fmt.Errorf("dataset: class %s: all pictures in %s are left out", f.Classes[label], dir)
	}
	return f, nil
}

// split lists the only set and divides it.
func (l Layout) split(root string) (train, val *ImageFolder, err error) {
	if _, err := os.Stat(filepath.Join(root, "val")); err == nil {
		return nil, nil, fmt.Errorf("dataset: %s has a folder val: no share of the other pictures is needed to validate with", root)
	}
	all := filepath.Join(root, "train")
	if _, err := os.Stat(all); errors.Is(err, fs.ErrNotExist) {
		all = root
	}
	folder, err := l.list(root, all)
	if err != nil {
		return nil, nil, err
	}
	var together [][]int
	if l.Together != nil {
		if together, err = l.Together(folder); err != nil {
			return nil, nil, err
		}
	}
	return folder.Split(l.ValFraction, mt19937.New(l.Seed), together)
}

// Counts returns how many samples each class has.
func (f *ImageFolder) Counts() []int {
	counts := make([]int, len(f.Classes))
	for _, s := range f.Samples {
		counts[s.Label]++
	}
	return counts
}
