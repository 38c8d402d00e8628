package shards

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"hymenoptera/dataset"
	"hymenoptera/hub"
)

// IsAddress reports whether a set is at an address, of any scheme, rather than in a folder.
func IsAddress(name string) bool { return strings.Contains(name, "://") }

// Has reports whether a set is in shards, in a folder or at an address.
func Has(data string) bool { return IsAddress(data) || In(data) }

// CacheDir returns the folder in which shards of an address are kept, below the user's cache.
func CacheDir(address string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("shards: %w", err)
	}
	u, err := url.Parse(address)
	if err != nil {
		return "", fmt.Errorf("shards: %w", err)
	}
	hash := sha256.Sum256([]byte(strings.TrimRight(u.String(), "/")))
	return filepath.Join(cache, "hymenoptera", "shards", fmt.Sprintf("%s-%x", path.Base(u.Host+u.Path), hash[:4])), nil
}

// A remote is a set that is fetched shard by shard, as needed, into a folder that keeps as many as fit.
type remote struct {
	address *url.URL
	dir     string
	most    int64 // bytes of all shards in dir
	cfg     hub.Config
	turn    sync.Mutex // for fetching one shard at a time, because makeRoom counts them
}

// Fetch lists the two sets at an address, by their index there. It fetches shards into the folder dir when they are needed.
// They may take half of the disk space that is free now; beyond that, Fetch removes the oldest shards. cfg.Log must not be
// nil.
func Fetch(ctx context.Context, cfg hub.Config, address, dir string) (train, val *dataset.ImageFolder, err error) {
	r := &remote{dir: dir, cfg: cfg}
	return r.fetch(ctx, address, r.room)
}

func (r *remote) fetch(ctx context.Context, address string, room func() (int64, error)) (train, val *dataset.ImageFolder, err error) {
	if r.address, err = url.Parse(address); err != nil {
		return nil, nil, fmt.Errorf("shards: %w", err)
	}
	x, err := r.index(ctx)
	if err != nil {
		return nil, nil, err
	}
	if r.most, err = room(); err != nil {
		return nil, nil, err
	}
	return x.folders(r.dir, func(s Shard) *dataset.Shard {
		path := filepath.Join(r.dir, s.Name)
		file := hub.File{URL: r.file(s.Name), SHA256: s.SHA256, Size: s.Bytes}
		return &dataset.Shard{Path: path, Fetch: func(ctx context.Context) error {
			r.turn.Lock()
			defer r.turn.Unlock()
			if err := r.makeRoom(s); err != nil {
				return err
			}
			_, err := hub.Fetch(ctx, r.cfg, file, path)
			return err
		}}
	})
}

// index returns the index at the address or, if that does not answer, the one that was fetched before.
func (r *remote) index(ctx context.Context) (*Index, error) {
	err := os.MkdirAll(r.dir, 0o777)
	if err != nil {
		return nil, fmt.Errorf("shards: %w", err)
	}
	own, err := os.MkdirTemp(r.dir, "index-") // other processes fetch theirs
	if err != nil {
		return nil, fmt.Errorf("shards: %w", err)
	}
	defer os.RemoveAll(own)
	before, fresh := filepath.Join(r.dir, IndexFile), filepath.Join(own, IndexFile)
	_, err = hub.Fetch(ctx, r.cfg, hub.File{URL: r.file(IndexFile)}, fresh)
	if failed := (*hub.DownloadError)(nil); errors.As(err, &failed) {
		failed.Path = before
	}
	if _, there := os.Stat(before); err != nil && there == nil && ctx.Err() == nil {
		r.cfg.Log(fmt.Sprintf("%v; using the index that was fetched before", err))
		return readIndex(before, before)
	}
	if err != nil {
		return nil, err
	}
	x, err := readIndex(fresh, r.file(IndexFile))
	if err == nil {
		err = os.Rename(fresh, before)
	}
	return x, err
}

// file returns the address of a file of the set.
func (r *remote) file(name string) string { return r.address.JoinPath(name).String() }

// kept returns the shards in the folder, the oldest first, and their total size.
func (r *remote) kept() (files []fs.FileInfo, bytes int64, err error) {
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		return nil, 0, fmt.Errorf("shards: %w", err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && setOf(e.Name()) != "" { // otherwise another process removed it
			files, bytes = append(files, info), bytes+info.Size()
		}
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	return files, bytes, nil
}

// room returns how many bytes the shards may take.
func (r *remote) room() (int64, error) {
	var disk unix.Statfs_t
	if err := unix.Statfs(r.dir, &disk); err != nil {
		return 0, fmt.Errorf("shards: %s: %w", r.dir, err)
	}
	_, kept, err := r.kept()
	return kept + int64(disk.Bavail)*disk.Bsize/2, err
}

// makeRoom removes shards until there is room for another one.
func (r *remote) makeRoom(s Shard) error {
	files, bytes, err := r.kept()
	if slices.ContainsFunc(files, func(f fs.FileInfo) bool { return f.Name() == s.Name }) {
		return err // the folder has this shard, or an old one that it replaces
	}
	for _, f := range files {
		if bytes+s.Bytes <= r.most || err != nil {
			break
		}
		if err = os.Remove(filepath.Join(r.dir, f.Name())); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		bytes -= f.Size()
	}
	return err
}
