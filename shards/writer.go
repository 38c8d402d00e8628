package shards

import (
	"archive/tar"
	"bufio"
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"hymenoptera/dataset"
)

// A writer writes a shard.
type writer struct {
	shard  Shard
	file   *os.File
	buffer *bufio.Writer
	sum    hash.Hash
	tar    *tar.Writer
	n      int64 // bytes written
}

func newWriter(name string) (*writer, error) {
	f, err := os.Create(name)
	if err != nil {
		return nil, fmt.Errorf("shards: %w", err)
	}
	w := &writer{shard: Shard{Name: filepath.Base(name)}, file: f, sum: sha256.New()}
	w.buffer = bufio.NewWriterSize(f, 1<<20)
	w.tar = tar.NewWriter(w)
	return w, nil
}

// Write writes the tar writer's output.
func (w *writer) Write(p []byte) (int, error) {
	n, err := w.buffer.Write(p)
	w.sum.Write(p[:n])
	w.n += int64(n)
	return n, err
}

// add writes a picture and its class, KEY.cls.
func (w *writer) add(ctx context.Context, key, ending string, s dataset.Sample) error {
	picture, size, err := s.Open(ctx)
	if err != nil {
		return fmt.Errorf("shards: %w", err)
	}
	defer picture.Close()
	name := key + ending
	if err := w.tar.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: size}); err != nil {
		return fmt.Errorf("shards: %s: %w", s.Path, err)
	}
	w.shard.Members = append(w.shard.Members, dataset.Member{Name: name, Label: s.Label, Offset: w.n, Size: size})
	if _, err := io.CopyN(w.tar, picture, size); err != nil {
		return fmt.Errorf("shards: %s: %w", s.Path, err)
	}
	class := strconv.Itoa(s.Label)
	err = w.tar.WriteHeader(&tar.Header{Name: key + ".cls", Mode: 0o644, Size: int64(len(class))})
	if err == nil {
		_, err = io.WriteString(w.tar, class)
	}
	return err
}

// close writes the end of the tar file and syncs it to the disk.
func (w *writer) close() error {
	err := w.tar.Close()
	if err == nil {
		err = w.buffer.Flush()
	}
	if err == nil {
		err = w.file.Sync()
	}
	if err != nil {
		return err // set closes the file
	}
	return w.file.Close()
}
