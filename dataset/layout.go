package dataset

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
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
	// val: its pictures lie in train/<class> or in <class>.
	ValFraction float64
	Seed        uint64 // of that choice
}

// Open lists the two sets of the notebook's layout: root/train and root/val, which must hold the same
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
	return newImageFolder(filepath.Join(root, phase), l.Classes)
}

// split lists the one set there is and divides it.
func (l Layout) split(root string) (train, val *ImageFolder, err error) {
	if _, err := os.Stat(filepath.Join(root, "val")); err == nil {
		return nil, nil, fmt.Errorf("dataset: %s has a folder val: no share of the other pictures is needed to validate with", root)
	}
	all := filepath.Join(root, "train")
	if _, err := os.Stat(all); errors.Is(err, fs.ErrNotExist) {
		all = root
	}
	folder, err := newImageFolder(all, l.Classes)
	if err != nil {
		return nil, nil, err
	}
	return folder.Split(l.ValFraction, mt19937.New(l.Seed))
}

// Split divides a set into two sets with the same classes. Of each class's n pictures, val gets n·fraction, rounded,
// at least one and not all, chosen by src. Both keep the order of the set.
func (f *ImageFolder) Split(fraction float64, src Source) (train, val *ImageFolder, err error) {
	if !(fraction > 0 && fraction < 1) {
		return nil, nil, fmt.Errorf("dataset: a share of %v of the pictures to validate with: want more than 0 and less than 1", fraction)
	}
	counts := f.Counts()
	chosen := make([]bool, len(f.Samples))
	first := 0 // of the class; samples are sorted by class
	for label, n := range counts {
		if n < 2 {
			return nil, nil, fmt.Errorf("dataset: class %s: %d pictures cannot be divided into those to train with and those to validate with: want at least 2", f.Classes[label], n)
		}
		order := make([]int, n)
		mt19937.Perm(src, order)
		share := int(math.Round(float64(n) * fraction))
		for _, i := range order[:min(max(share, 1), n-1)] {
			chosen[first+i] = true
		}
		first += n
	}
	train, val = &ImageFolder{Root: f.Root, Classes: f.Classes, LeftOut: f.LeftOut}, &ImageFolder{Root: f.Root, Classes: f.Classes}
	for i, s := range f.Samples {
		if chosen[i] {
			val.Samples = append(val.Samples, s)
		} else {
			train.Samples = append(train.Samples, s)
		}
	}
	return train, val, nil
}

// Counts returns how many samples each class has.
func (f *ImageFolder) Counts() []int {
	counts := make([]int, len(f.Classes))
	for _, s := range f.Samples {
		counts[s.Label]++
	}
	return counts
}
