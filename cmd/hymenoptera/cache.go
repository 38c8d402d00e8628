package main

import (
	"fmt"

	"hymenoptera/dataset"
	"hymenoptera/internal/machine"
	"hymenoptera/torch"
)

// trainingBytes are left to the training itself: ResNet18 takes 1.8 GB at 224 pixels in batches of 32.
const trainingBytes = 2e9

// cache returns where the decoded images stay from epoch to epoch, or nil. With -v it says how much memory they
// may take.
func (o options) cache(m *messages) (*dataset.Cache, error) {
	bytes, err := o.cacheBytes()
	if err != nil || bytes == 0 || o.readOnce() {
		return nil, err
	}
	if o.Cache == "auto" {
		m.debug("decoded images stay in memory, up to %.1f GB: a quarter of what is free beyond 2 GB (--cache)", float64(bytes)/1e9)
	}
	return dataset.NewCache(bytes), nil
}

// readOnce reports whether the training reads every picture once.
func (o options) readOnce() bool { return o.Epochs == 1 || o.Probe && o.Views <= 1 }

// cacheBytes returns what --cache allows.
func (o options) cacheBytes() (int64, error) {
	switch o.Cache {
	case "off":
		return 0, nil
	case "auto":
		return max(0, machine.This().FreeMemory()-trainingBytes) / 4, nil
	}
	bytes, ok := parseBytes(o.Cache)
	if !ok {
		return 0, usageError{fmt.Errorf("--cache %q: want auto, off, or a size as 500M or 2G", o.Cache)}
	}
	return bytes, nil
}

// residentBytes returns how much of the GPU's memory decoded images may take.
func (j *job) residentBytes() (int64, error) {
	free := torch.MemoryOf(j.mode.Device).Free
	bytes := free / 4
	if j.Cache != "auto" {
		var err error
		if bytes, err = j.cacheBytes(); err != nil {
			return 0, err
		}
	}
	bytes = min(bytes, free/2) // the training needs some
	j.messages.debug("decoded images stay on the GPU where they fit into %.1f GB (--cache)", float64(bytes)/1e9)
	return bytes, nil
}
