package shards

import (
	"context"
	"fmt"
	"path/filepath"

	"hymenoptera/dataset"
	"hymenoptera/internal/disk"
	"hymenoptera/internal/regular"
)

// WriteIndex writes the index of the shards in a folder.
func WriteIndex(dir string, x *Index) error {
	return disk.Replace(disk.OS{}, filepath.Join(dir, IndexFile), x.Write)
}

// Reindex writes the index of existing shards, such as those of another program. progress is called after each.
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
		if s.SHA256, err = regular.SHA256(ctx, filepath.Join(dir, s.Name)); err != nil {
			return nil, fmt.Errorf("shards: %w", err)
		}
		progress(i+1, len(x.Shards))
	}
	return x, WriteIndex(dir, x)
}
