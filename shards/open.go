package shards

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"hymenoptera/dataset"
	"hymenoptera/internal/regular"
)

// In reports whether a folder holds shards: an index of them, or tar files and no folder train.
func In(dir string) bool {
	if _, err := os.Stat(filepath.Join(dir, IndexFile)); err == nil {
		return true
	}
	names, err := list(dir)
	return err == nil && len(names) > 0 && !regular.IsFolder(filepath.Join(dir, "train"))
}

// list returns the names of the shards in a folder, sorted.
func list(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("shards: %w", err)
	}
	for _, e := range entries {
		if setOf(e.Name()) != "" {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// Open lists the two sets of a folder of shards: train-*.tar and val-*.tar. It reads their index or, if there is none, the
// headers of all files in the shards.
func Open(ctx context.Context, dir string) (train, val *dataset.ImageFolder, err error) {
	name := filepath.Join(dir, IndexFile)
	x, err := readIndex(name, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		x, err = Scan(ctx, dir)
	case err == nil:
		err = x.check(dir)
	}
	if err != nil {
		return nil, nil, err
	}
	return x.folders(dir, func(s Shard) *dataset.Shard { return &dataset.Shard{Path: filepath.Join(dir, s.Name)} })
}

// readIndex reads the index in a file. Errors about its content name source, its origin.
func readIndex(name, source string) (*Index, error) {
	f, _, err := regular.Open(name)
	if err != nil {
		return nil, fmt.Errorf("shards: %w", err)
	}
	defer f.Close()
	x, err := ReadIndex(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	return x, nil
}

// A StaleError says that an index does not match the shards beside it.
type StaleError struct {
	Index, Problem string
}

func (e *StaleError) Error() string { return fmt.Sprintf("shards: %s: %s", e.Index, e.Problem) }

// check returns a [*StaleError] if the index does not match the names and sizes of the shards in a folder.
func (x *Index) check(dir string) error {
	stale := func(format string, args ...any) error {
		return &StaleError{filepath.Join(dir, IndexFile), fmt.Sprintf(format, args...)}
	}
	names, err := list(dir)
	if err != nil {
		return err
	}
	listed := map[string]bool{}
	for _, s := range x.Shards {
		listed[s.Name] = true
		info, err := os.Stat(filepath.Join(dir, s.Name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return stale("lists %s, which is not there", s.Name)
		case err != nil:
			return fmt.Errorf("shards: %w", err)
		case info.Size() != s.Bytes:
			return stale("lists %s with %d bytes, but it has %d", s.Name, s.Bytes, info.Size())
		}
	}
	for _, name := range names {
		if !listed[name] {
			return stale("does not list %s", name)
		}
	}
	return nil
}

// Scan makes the index of the shards in a folder, without their SHA-256, by reading the headers of all files in them.
func Scan(ctx context.Context, dir string) (*Index, error) {
	names, err := list(dir)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("shards: no shards in %s: want train-*.tar and val-*.tar", dir)
	}
	var pictures [][]found
	x := new(Index)
	for i, name := range names {
		names[i] = filepath.Join(dir, name)
		info, err := os.Stat(names[i])
		if err != nil {
			return nil, fmt.Errorf("shards: %w", err)
		}
		list, err := scan(ctx, names[i])
		if err != nil {
			return nil, err
		}
		pictures = append(pictures, list)
		x.Shards = append(x.Shards, Shard{Name: name, Bytes: info.Size()})
	}
	if x.Classes, err = label(names, pictures); err != nil {
		return nil, err
	}
	for i, list := range pictures {
		for _, p := range list {
			x.Shards[i].Members = append(x.Shards[i].Members, p.Member)
		}
	}
	return x, nil
}
