package finetune

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"strconv"

	"golang.org/x/sync/errgroup"

	"hymenoptera/dataset"
)

// A ChangedError says that the images of a resumed run are not the ones that it began with.
type ChangedError struct {
	File string // below the folder of the images; the first that differs
	How  string // "is gone", "is new", …
}

func (e *ChangedError) Error() string {
	return fmt.Sprintf("the images are not those that the run began with: %s %s", e.File, e.How)
}

// listFiles returns a list of the files of the two sets for a checkpoint: for each its size, a space, its path below the
// folder of the images, and a zero byte. The list does not show changes that keep the sizes.
func (set images) listFiles(ctx context.Context, data string) ([]byte, error) {
	var list []byte
	for _, f := range []*dataset.ImageFolder{set.train, set.val} {
		if f.Sharded() {
			data = f.Root // the shards' own folder, if they come from an address
		}
		sizes, err := fileSizes(ctx, f)
		if err != nil {
			return nil, err
		}
		for i, s := range f.Samples {
			name, err := filepath.Rel(data, s.Path)
			if err != nil {
				return nil, err
			}
			list = strconv.AppendInt(list, sizes[i], 10)
			list = append(append(append(list, ' '), filepath.ToSlash(name)...), 0)
		}
	}
	return list, nil
}

// digest returns the SHA-256 of the names and sizes of a set's files.
func digest(ctx context.Context, set *dataset.ImageFolder) (string, error) {
	sizes, err := fileSizes(ctx, set)
	h := sha256.New()
	for i, name := range relativeFiles(set) {
		fmt.Fprintf(h, "%d %s\x00", sizes[i], name)
	}
	return fmt.Sprintf("%x", h.Sum(nil)), err
}

// fileSizes returns the size of each sample's file; -1 if it is gone.
func fileSizes(ctx context.Context, f *dataset.ImageFolder) ([]int64, error) {
	sizes := make([]int64, len(f.Samples))
	g, ctx := errgroup.WithContext(ctx)
	const parts = 8 // in parallel, for file systems that answer slowly
	for part := range parts {
		g.Go(func() error {
			for i := part; i < len(sizes); i += parts {
				if err := ctx.Err(); err != nil {
					return err
				}
				sizes[i] = f.Samples[i].Bytes()
			}
			return nil
		})
	}
	return sizes, g.Wait()
}

// compareFiles returns a [*ChangedError] if two lists of listFiles differ.
func compareFiles(began, now []byte) error {
	if bytes.Equal(began, now) {
		return nil
	}
	sizes := map[string]string{}
	for size, name := range filesOf(now) {
		sizes[name] = size
	}
	for size, name := range filesOf(began) {
		is, there := sizes[name]
		switch {
		case !there, is == "-1":
			return &ChangedError{name, "is gone"}
		case is != size:
			return &ChangedError{name, fmt.Sprintf("has %s bytes instead of %s", is, size)}
		}
		delete(sizes, name)
	}
	for _, name := range filesOf(now) {
		if _, there := sizes[name]; there {
			return &ChangedError{name, "is new"}
		}
	}
	return &ChangedError{"their order", "is another"}
}

// filesOf yields the sizes and paths of a list.
func filesOf(list []byte) func(yield func(size, name string) bool) {
	return func(yield func(size, name string) bool) {
		for file := range bytes.SplitSeq(list, []byte{0}) {
			size, name, _ := bytes.Cut(file, []byte{' '})
			if len(file) > 0 && !yield(string(size), string(name)) {
				return
			}
		}
	}
}
