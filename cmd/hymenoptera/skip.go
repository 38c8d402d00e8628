package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"hymenoptera/internal/machine"
)

// skipCorrupt leaves out the images that cannot be decoded, before anything is drawn for them: the training is
// the one that a folder without them gives.
func (j *job) skipCorrupt(ctx context.Context) error {
	all := 0
	for i, set := range j.sets {
		all += len(set.Samples)
		broken, err := set.Broken(ctx, machine.This().Processors())
		if err != nil {
			return err
		}
		for _, b := range broken {
			j.messages.debug("left out: %v", b)
			name, err := filepath.Rel(filepath.Dir(set.Root), b.Path)
			if err != nil {
				name = b.Path
			}
			j.skipped = append(j.skipped, fmt.Sprintf("%s (%v)", filepath.ToSlash(name), b.Err))
		}
		if j.sets[i], err = set.Without(broken); err != nil {
			return err
		}
	}
	if n := len(j.skipped); n > 0 {
		j.messages.warn("left out %d of %d images: %s", n, all, shortList(j.skipped))
	} else {
		j.messages.info("all %d images can be decoded", all)
	}
	return nil
}

// shortList names the first few of many.
func shortList(names []string) string {
	const most = 3
	list := strings.Join(names[:min(most, len(names))], ", ")
	if rest := len(names) - most; rest > 0 {
		list += fmt.Sprintf(", and %d more", rest)
	}
	return list
}
