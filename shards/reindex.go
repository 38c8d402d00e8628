package shards

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"path/filepath"

	"hymenoptera/dataset"
	"hymenoptera/internal/disk"
	"hymenoptera/internal/regular"
)

// WriteIndex writes the index of the shards in a folder.
func WriteIndex(dir string, x *Index) error {
	return disk.Replace(disk.OS{}, filepath.Join(dir, IndexFile), x.Write)
}

// Reindex writes the index of shards that are there, such as those that another program has written. progress is called after each.
func Reindex(ctx context.Context, dir string, progress func(done, n int)) (*Index, error) {
	x, err := Scan(ctx, dir)
	if err != nil {
		return nil, err
	}
	if _, _, err := x.folders(dir, func(s Shard) *dataset.Shard { return &dataset.Shard{Path: s.Name} }); err != nil {
		return nil, err
	}
	for i := range x.Shards {
		s := &x.Shards[i]
		if s.SHA256, err = sum(ctx, filepath.Join(dir, s.Name)); err != nil {
			return nil, err
		}
		progress(i+1, len(x.Shards))
	}
	return x, WriteIndex(dir, x)
}

// sum returns the SHA-256 of a file.
func sum(ctx context.Context, name string) (string, error) {
	f, _, err := regular.Open(name)
	if err != nil {
		return "", fmt.Errorf("shards: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	for {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		if _, err := io.CopyN(h, f, 64<<20); err == io.EOF {
			return fmt.Sprintf("%x", h.Sum(nil)), nil
		} else if err != nil {
			return "", fmt.Errorf("shards: %w", err)
		}
	}
}
