package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"hymenoptera/dataset"
	"hymenoptera/transforms"
)

// smallest is the least --image-size. The networks make a single pixel of it.
const smallest = 32

// layout is what of --data is used.
func (o options) layout() dataset.Layout {
	return dataset.Layout{Classes: o.OnlyClasses, ValFraction: o.ValFraction, Seed: o.Seed}
}

// openData lists the two sets and makes their loaders.
func (j *job) openData(ctx context.Context, folder string) error {
	train, val, err := j.layout().Open(folder)
	if err != nil {
		if _, noVal := os.Stat(filepath.Join(folder, "val")); j.ValFraction == 0 && isFolder(folder) && errors.Is(noVal, fs.ErrNotExist) {
			err = fmt.Errorf("%w; or add --val-fraction 0.2 to validate with a fifth of the pictures", err)
		}
		return err
	}
	left := dataset.LeftOut{}
	left.Add(train.LeftOut)
	left.Add(val.LeftOut)
	j.messages.leftOut(left)
	j.classes, j.sets = train.Classes, [2]*dataset.ImageFolder{train, val}
	if n := len(j.ClassWeights); n > 0 && n != len(j.classes) {
		return fmt.Errorf("--class-weights has %d weights, %s has %d classes: want one a class, for %s",
			n, folder, len(j.classes), shortList(j.classes))
	}
	if len(j.classes) == 1 {
		j.messages.warn("%s has one class alone, %s: every answer will be right, and nothing is learnt", folder, j.classes[0])
	}
	j.messages.debug("%s: %d images to train with, %d to validate with, of %s", folder, len(train.Samples), len(val.Samples), shortList(j.classes))
	if j.SkipCorrupt {
		if err := j.skipCorrupt(ctx); err != nil {
			return err
		}
	}
	if n := len(j.sets[0].Samples); j.arch.LastSize(j.ImageSize) == 1 && (n-1)%j.BatchSize == 0 {
		return fmt.Errorf("--batch-size %d leaves a last batch of one of the %d training images, of which %s makes a single pixel at --image-size %d, which BatchNorm cannot take: change one of the two",
			j.BatchSize, n, j.Model, j.ImageSize)
	}
	j.lossWeights = j.ClassWeights
	if j.Balance == "weights" {
		j.lossWeights = balanced(j.sets[0])
	}
	return j.openLoaders()
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// openLoaders makes the loaders of the two sets.
func (j *job) openLoaders() error {
	cache, err := j.cache(j.messages)
	if err != nil {
		return err
	}
	cfg := dataset.LoaderConfig{Cache: cache, BatchSize: j.BatchSize, Shuffle: !j.Probe, Workers: j.Workers,
		ChannelsLast: j.mode.ChannelsLast, Pixels: j.mode.Pixels, Warn: j.messages.warnOnce()}
	training := cfg
	if j.Balance == "sampling" {
		training.Shuffle, training.Weights = false, rarity(j.sets[0])
	}
	tf := transforms.Train(j.ImageSize)
	if j.NoFlip {
		tf.FlipP = 0
	}
	if j.Probe && j.Views == 0 {
		tf = transforms.Eval(j.ImageSize)
	}
	if j.train, err = dataset.NewLoader(j.sets[0], tf, training); err != nil {
		return err
	}
	if j.Probe { // which looks at it once
		cfg.Cache = nil
	}
	j.val, err = dataset.NewLoader(j.sets[1], transforms.Eval(j.ImageSize), cfg)
	return err
}

// balanced returns a weight for each class, n/(classes·count) as scikit-learn's class_weight="balanced".
func balanced(f *dataset.ImageFolder) (weights []float64) {
	for _, n := range f.Counts() {
		weights = append(weights, float64(len(f.Samples))/float64(len(f.Classes)*n))
	}
	return weights
}

// rarity returns a weight for each sample, by which its class is drawn as often as any other.
func rarity(f *dataset.ImageFolder) (weights []float64) {
	counts := f.Counts()
	for _, s := range f.Samples {
		weights = append(weights, 1/float64(counts[s.Label]))
	}
	return weights
}

// used returns the options with the weights of the classes that were computed for them.
func (j *job) used() options {
	o := j.options
	o.ClassWeights = j.lossWeights
	return o
}
