package dataset

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"hymenoptera/internal/regular"
)

// A Shard is a tar file with pictures of a set.
type Shard struct {
	Path string // where it lies
	// Fetch, if not nil, puts the shard there, or checks the one that is there. It is called again if the shard has been
	// removed.
	Fetch func(ctx context.Context) error

	turn   sync.Mutex // held during a Fetch
	here   bool       // Fetch has succeeded
	failed error      // error of a Fetch ahead of time, for the samples that need the shard
}

// A Member is a picture in a shard.
type Member struct {
	Name   string
	Label  int
	Offset int64 // of its content, behind its header
	Size   int64 // bytes
}

// tarBlock is the size of a header in a tar file.
const tarBlock = 512

// NewShardSet returns a set of pictures in shards, with the members of each, in order. root is the folder of the shards. The
// path of a sample is the path of its shard, a slash, and its name.
func NewShardSet(root string, classes []string, shards []*Shard, members [][]Member) (*ImageFolder, error) {
	if err := checkNames(classes); err != nil {
		return nil, fmt.Errorf("dataset: %s: %w", root, err)
	}
	n := 0
	for _, m := range members {
		n += len(m)
	}
	f := &ImageFolder{Root: root, Classes: classes, LeftOut: LeftOut{}, Samples: make([]Sample, 0, n)}
	for i, shard := range shards {
		for _, m := range members[i] {
			if m.Label < 0 || m.Label >= len(classes) || m.Offset < tarBlock || m.Size < 0 {
				return nil, fmt.Errorf("dataset: %s: %s has label %d, offset %d and size %d", shard.Path, m.Name, m.Label, m.Offset, m.Size)
			}
			f.Samples = append(f.Samples, Sample{Path: shard.Path + "/" + m.Name, Label: m.Label, shard: shard, offset: m.Offset, size: m.Size})
		}
	}
	return f, nil
}

// Sharded reports whether the pictures lie in shards.
func (f *ImageFolder) Sharded() bool { return len(f.Samples) > 0 && f.Samples[0].shard != nil }

// perShard returns the index in Samples after the last one of each shard.
func (f *ImageFolder) perShard() (ends []int) {
	for i := range f.Samples {
		if i+1 == len(f.Samples) || f.Samples[i+1].shard != f.Samples[i].shard {
			ends = append(ends, i+1)
		}
	}
	return ends
}

// A content is the open file of a sample.
type content struct {
	io.Reader
	file    *os.File
	size    int64
	version int64 // changes when the file changes
}

// fetch fetches the sample's shard if it is missing.
func (s Sample) fetch(ctx context.Context) error {
	if s.shard == nil || s.shard.Fetch == nil {
		return nil
	}
	return s.shard.fetch(ctx, false)
}

// fetch fetches the shard if it is missing. If it fails ahead of time, the error is kept for the first sample that needs the
// shard, without another try.
func (s *Shard) fetch(ctx context.Context, ahead bool) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	if err := s.failed; err != nil {
		s.failed = nil
		return err
	}
	if _, err := os.Stat(s.Path); s.here && !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	err := s.Fetch(ctx)
	if s.here = err == nil; !s.here {
		err = &FetchError{s.Path, err}
	}
	if ahead && ctx.Err() == nil {
		s.failed = err
	}
	return err
}

// A FetchError says that a shard could not be fetched.
type FetchError struct {
	Shard string // where it should lie
	Err   error
}

func (e *FetchError) Error() string {
	return fmt.Sprintf("dataset: %s: %v", filepath.Base(e.Shard), e.Err)
}
func (e *FetchError) Unwrap() error { return e.Err }

// gone reports whether the sample's shard was removed after it was fetched, to make room for others.
func (s Sample) gone(err error) bool {
	return s.shard != nil && s.shard.Fetch != nil && errors.Is(err, fs.ErrNotExist)
}

// open opens the sample's file, or its shard at the sample's place, which must still have a member of that size.
func (s Sample) open() (c content, err error) {
	if s.shard == nil {
		if c.file, c.size, err = openPicture(s.Path); err != nil {
			return c, err
		}
		c.Reader = c.file
		info, err := c.file.Stat()
		if err != nil {
			c.file.Close()
			return c, err
		}
		c.version = info.ModTime().UnixNano() ^ c.size<<1 | 1
		return c, nil
	}
	if c.size = s.size; c.size > MaxFile {
		return c, fmt.Errorf("%d bytes are too many for a picture: want at most %d", c.size, MaxFile)
	}
	if c.file, _, err = regular.Open(s.shard.Path); err != nil {
		return c, err
	}
	if err := s.checkHeader(c.file); err != nil {
		c.file.Close()
		return c, err
	}
	c.Reader = io.NewSectionReader(c.file, s.offset, s.size)
	return c, nil
}

// Open opens the sample's file, undecoded, and returns its size in bytes. The caller must close it.
func (s Sample) Open(ctx context.Context) (io.ReadCloser, int64, error) {
	if err := s.fetch(ctx); err != nil {
		return nil, 0, err
	}
	c, err := s.open()
	if err != nil {
		return nil, 0, err
	}
	return c, c.size, nil
}

// Close closes the file.
func (c content) Close() error { return c.file.Close() }

// checkHeader reads the header before the sample in a shard.
func (s Sample) checkHeader(shard io.ReaderAt) error {
	var block [tarBlock]byte
	if _, err := shard.ReadAt(block[:], s.offset-tarBlock); err == io.EOF {
		return errors.New("the shard ends before it")
	} else if err != nil {
		return err
	}
	h, err := tar.NewReader(bytes.NewReader(block[:])).Next()
	if err != nil || h.Size != s.size || h.Typeflag != tar.TypeReg {
		return fmt.Errorf("the shard has no file of %d bytes there: it is damaged, or not the one that was listed", s.size)
	}
	return nil
}

// Bytes returns the size of the sample's file, or -1 if the file is gone.
func (s Sample) Bytes() int64 {
	if s.shard != nil {
		return s.size
	}
	info, err := os.Stat(s.Path)
	if err != nil {
		return -1
	}
	return info.Size()
}

// shardsOf returns the shards of samples in the order of their first use.
func (f *ImageFolder) shardsOf(samples []int) (shards []*Shard) {
	seen := map[*Shard]bool{}
	for _, i := range samples {
		if s := f.Samples[i].shard; s != nil && !seen[s] {
			seen[s] = true
			shards = append(shards, s)
		}
	}
	return shards
}
