package finetune

import (
	"fmt"
	"log/slog"
	"strconv"

	"hymenoptera/dataset"
	"hymenoptera/internal/machine"
	"hymenoptera/internal/text"
	"hymenoptera/torch"
	"hymenoptera/trainer"
	"hymenoptera/transforms"
)

// newLoaders returns the loaders of the two sets. validation is the transform of the second.
func newLoaders(set images, o Options, mode trainer.Mode, validation transforms.Transform, log *slog.Logger) (data trainer.Data, err error) {
	cache, err := o.newCache(log)
	if err != nil {
		return data, err
	}
	cfg := dataset.LoaderConfig{Cache: cache, BatchSize: o.BatchSize, Shuffle: !o.Probe, Workers: o.Workers,
		ChannelsLast: mode.ChannelsLast, Pixels: mode.Pixels, Warn: dataset.FirstOfEach(func(w dataset.Warning) { log.Warn(fmt.Sprintf("%v (shown once; there may be more)", w)) })}
	cfg.Share.Seed = o.Seed
	if o.Group != nil {
		cfg.Share.Rank, cfg.Share.World = o.Group.Rank(), o.Group.Size()
	}
	training := cfg
	if o.Balance == "sampling" {
		training.Shuffle, training.Weights = false, rarity(set.train)
	}
	augmented, err := transforms.Train(o.ImageSize).Augmented(o.Augment)
	if err != nil {
		return data, err
	}
	augmented.Upright = o.ExifRotate
	if o.NoFlip {
		augmented.FlipP = 0
	}
	if o.Probe && o.Views == 0 {
		augmented = validation
	}
	if data.Train, err = dataset.NewLoader(set.train, augmented, training); err != nil {
		return data, err
	}
	if o.Probe { // it reads the validation images only once
		cfg.Cache = nil
	}
	if o.Group != nil { // each image counts once
		cfg.Shuffle = false
	}
	data.Val, err = dataset.NewLoader(set.val, validation, cfg)
	return data, err
}

// newCache returns the cache that keeps decoded images from epoch to epoch, or nil.
func (o Options) newCache(log *slog.Logger) (*dataset.Cache, error) {
	bytes, err := o.cacheBytes()
	if err != nil || bytes == 0 || o.readOnce() {
		return nil, err
	}
	if o.Cache == "auto" {
		log.Debug(fmt.Sprintf("decoded images stay in memory, up to %.1f GB: a quarter of what is free beyond 2 GB", float64(bytes)/1e9))
	}
	return dataset.NewCache(bytes), nil
}

// residentBytes returns how many bytes of the GPU's memory decoded images may take.
func (o Options) residentBytes(device torch.Device, log *slog.Logger) (int64, error) {
	free := torch.MemoryOf(device).Free
	bytes := free / 4
	if o.Cache != "auto" {
		var err error
		if bytes, err = o.cacheBytes(); err != nil {
			return 0, err
		}
	}
	bytes = min(bytes, free/2) // the training needs the rest
	log.Debug(fmt.Sprintf("decoded images stay on the GPU if they fit into %.1f GB", float64(bytes)/1e9))
	return bytes, nil
}

// trainingBytes is the memory that is left for the training itself: ResNet18 takes 1.8 GB at 224 pixels in batches of 32.
const trainingBytes = 2e9

// cacheBytes returns how many bytes of memory decoded images may take.
func (o Options) cacheBytes() (int64, error) {
	switch o.Cache {
	case "off":
		return 0, nil
	case "auto":
		return max(0, machine.This().FreeMemory()-trainingBytes) / 4, nil
	}
	bytes, ok := text.Bytes(o.Cache)
	if !ok {
		return 0, &OptionError{Option: "cache", Value: strconv.Quote(o.Cache), Problem: "want auto, off, or a size as 500M or 2G"}
	}
	return bytes, nil
}

// readOnce reports whether the training reads every picture once, so that none needs to stay in memory.
func (o Options) readOnce() bool { return o.Epochs == 1 || o.Probe && o.Views <= 1 }

// balanced returns a weight for each class, n/(classes·count), as scikit-learn's class_weight="balanced" does.
func balanced(f *dataset.ImageFolder) (weights []float64) {
	for _, n := range f.Counts() {
		weights = append(weights, float64(len(f.Samples))/float64(len(f.Classes)*n))
	}
	return weights
}

// rarity returns a weight for each sample, so that all classes are drawn equally often.
func rarity(f *dataset.ImageFolder) (weights []float64) {
	counts := f.Counts()
	for _, s := range f.Samples {
		weights = append(weights, 1/float64(counts[s.Label]))
	}
	return weights
}
