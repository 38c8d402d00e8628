package finetune

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"hymenoptera/check"
	"hymenoptera/dataset"
	"hymenoptera/internal/machine"
	"hymenoptera/internal/regular"
	"hymenoptera/internal/text"
	"hymenoptera/shards"
	"hymenoptera/zoo"
)

// A NoValError is an error about a folder of images that has no val folder. With Options.ValFraction none is needed.
type NoValError struct{ Err error }

func (e *NoValError) Error() string { return e.Err.Error() }
func (e *NoValError) Unwrap() error { return e.Err }

// images holds the lists of the two sets.
type images struct {
	train, val *dataset.ImageFolder
	skipped    []string // images that SkipCorrupt left out, with the reason
}

// openSets lists the two sets, without the images that Exclude names. With ValFraction it reads the images, so that copies
// of an image, or pictures of a burst, do not lie on both sides.
func (o Options) openSets(ctx context.Context, h Hooks) (train, val *dataset.ImageFolder, err error) {
	if shards.Has(o.Data) {
		return o.openShards(ctx, h)
	}
	log := h.Log
	l := dataset.Layout{Classes: o.OnlyClasses, ValFraction: o.ValFraction, Seed: o.Seed}
	if l.Exclude, err = o.excluded(); err != nil {
		return nil, nil, err
	}
	switch n := len(l.Exclude); {
	case n == 1:
		log.Info(o.Exclude + " names 1 image to leave out")
	case n > 1:
		log.Info(fmt.Sprintf("%s names %s images to leave out", o.Exclude, text.Thousands(n)))
	}
	var all *dataset.ImageFolder
	var groups [][]int
	l.Together = func(f *dataset.ImageFolder) (_ [][]int, err error) {
		log.Info(fmt.Sprintf("looking for copies among %s images, which stay together", text.Thousands(len(f.Samples))))
		all = f
		groups, err = check.Together(ctx, f, machine.This().Processors())
		n := 0
		for _, g := range groups {
			n += len(g)
		}
		if n > 0 {
			log.Info(fmt.Sprintf("%s of them are copies of others or belong to a burst", text.Thousands(n)))
		}
		return groups, err
	}
	train, val, err = l.Open(o.Data)
	if err == nil {
		for _, class := range dividedClasses(all, groups, val) {
			log.Warn(fmt.Sprintf("class %s has too few images that are no copies of each other: some copies lie on both sides, and the accuracy comes out too good", class))
		}
	}
	return train, val, err
}

// dividedClasses returns the classes of groups, as indices of samples, that lie only partly in val.
func dividedClasses(all *dataset.ImageFolder, groups [][]int, val *dataset.ImageFolder) (classes []string) {
	if len(groups) == 0 {
		return nil
	}
	inVal := map[string]bool{}
	for _, s := range val.Samples {
		inVal[s.Path] = true
	}
	for _, g := range groups {
		first := all.Samples[g[0]]
		divided := slices.ContainsFunc(g, func(i int) bool { return inVal[all.Samples[i].Path] != inVal[first.Path] })
		if class := all.Classes[first.Label]; divided && !slices.Contains(classes, class) {
			classes = append(classes, class)
		}
	}
	return classes
}

// Images lists the images that a training with these options uses.
func Images(ctx context.Context, o Options, h Hooks) (train, val *dataset.ImageFolder, err error) {
	set, err := openImages(ctx, o, h)
	return set.train, set.val, err
}

// openImages lists the two sets. It downloads them if they are the tutorial's and not here.
func openImages(ctx context.Context, o Options, h Hooks) (set images, err error) {
	if filepath.Clean(o.Data) == filepath.FromSlash(DefaultData) {
		if err := FetchTutorial(ctx, o.Data, o.downloads(h)); err != nil {
			return set, &DownloadError{Option: "data", Err: err}
		}
	}
	if o.ValFraction > 0 && regular.IsFolder(filepath.Join(o.Data, "val")) {
		return set, &OptionError{Option: "val_fraction", Value: fmt.Sprint(o.ValFraction), Problem: fmt.Sprintf("%s has a folder val to validate with: leave the option out, or move the folder away", o.Data)}
	}
	if set.train, set.val, err = o.openSets(ctx, h); err != nil {
		if _, noVal := os.Stat(filepath.Join(o.Data, "val")); o.ValFraction == 0 && regular.IsFolder(o.Data) && !shards.Has(o.Data) && errors.Is(noVal, fs.ErrNotExist) {
			err = &NoValError{err}
		}
		return set, err
	}
	left := dataset.LeftOut{}
	left.Add(set.train.LeftOut)
	left.Add(set.val.LeftOut)
	if len(left) > 0 {
		h.Log.Info(fmt.Sprintf("left out: %v", left))
	}
	if o.SkipCorrupt {
		if err := set.skipCorrupt(ctx, h.Log); err != nil {
			return set, err
		}
	}
	return set, nil
}

// check returns an [*OptionError] if the options do not suit the images.
func (set images) check(o Options, arch zoo.Arch) error {
	classes, n := set.train.Classes, divideUp(len(set.train.Samples), o.processes())
	if weights := len(o.ClassWeights); weights > 0 && weights != len(classes) {
		return &OptionError{Option: "class_weights", Value: fmt.Sprint(o.ClassWeights),
			Problem: fmt.Sprintf("%s has %d classes: want a weight for each of %s", o.Data, len(classes), text.Few(classes, 3))}
	}
	if arch.LastSize(o.ImageSize) == 1 && (n-1)%o.BatchSize == 0 {
		return &OptionError{Option: "batch_size", Value: fmt.Sprint(o.BatchSize),
			Problem: fmt.Sprintf("leaves a last batch of one of the %d training images%s, of which %s makes a single pixel at size %d, which BatchNorm cannot take: change this or", n, perProcess(o), o.Model, o.ImageSize),
			Other:   "image_size"}
	}
	if all := o.Epochs * divideUp(n, o.BatchSize); o.WarmUp >= all {
		return &OptionError{Option: "warmup", Value: fmt.Sprint(o.WarmUp),
			Problem: fmt.Sprintf("the training has only %s: want fewer, or more", steps(all)), Other: "epochs"}
	}
	return nil
}

// mostClasses is the largest number of classes in a table.
const mostClasses = 20

// describe returns lines with the sizes of the sets and of the classes, the largest first if there are many.
func (set images) describe(o Options) []string {
	n := len(set.train.Samples)
	lines := []string{fmt.Sprintf("%s: %d images to train with in %s per epoch, %d to validate with", o.Data, n, steps(divideUp(n, o.processes()*o.BatchSize)), len(set.val.Samples))}
	if w := o.processes(); w > 1 {
		lines = append(lines, fmt.Sprintf("%d processes with %d images each per step: %d together", w, o.BatchSize, w*o.BatchSize))
	}
	train, val := set.train.Counts(), set.val.Counts()
	order := make([]int, len(train))
	for i := range order {
		order[i] = i
	}
	if len(order) > mostClasses {
		slices.SortStableFunc(order, func(a, b int) int { return train[b] - train[a] })
	}
	for i, class := range order {
		if i == mostClasses && len(order) > mostClasses+1 {
			smallest := order[len(order)-1]
			return append(lines, fmt.Sprintf("and %d more, of %d to %d images; the smallest is %s", len(order)-i, train[smallest], train[class], set.train.Classes[smallest]))
		}
		lines = append(lines, fmt.Sprintf("%6d + %-5d %s", train[class], val[class], set.train.Classes[class]))
	}
	return lines
}

// skipCorrupt leaves out the images that cannot be decoded, before random numbers are drawn for them: the training is
// the same as on a folder without them.
func (set *images) skipCorrupt(ctx context.Context, log *slog.Logger) error {
	all := 0
	for _, f := range []**dataset.ImageFolder{&set.train, &set.val} {
		folder := *f
		all += len(folder.Samples)
		broken, err := folder.Broken(ctx, machine.This().Processors())
		if err != nil {
			return err
		}
		for _, b := range broken {
			log.Debug(fmt.Sprintf("left out: %v", b))
			name, err := filepath.Rel(filepath.Dir(folder.Root), b.Path)
			if err != nil {
				name = b.Path
			}
			set.skipped = append(set.skipped, fmt.Sprintf("%s (%v)", filepath.ToSlash(name), b.Err))
		}
		if *f, err = folder.Without(broken); err != nil {
			return err
		}
	}
	if n := len(set.skipped); n > 0 {
		log.Warn(fmt.Sprintf("left out %d of %d images: %s", n, all, text.Few(set.skipped, 3)))
	} else {
		log.Info(fmt.Sprintf("all %d images can be decoded", all))
	}
	return nil
}
