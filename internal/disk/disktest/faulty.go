// Package disktest has a file system that fails, for tests of code that writes files.
package disktest

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"hymenoptera/internal/disk"
)

// A Faulty is the machine's file system, except that one operation fails, or all from that one on. It counts operations by
// kind and file, so that the order in which goroutines write does not matter.
type Faulty struct {
	Fail string // the operation, as Ops names it; "" for none
	Last bool   // all operations after it fail too, except closes

	mu     sync.Mutex
	counts map[string]int
	ops    []string
	failed error // of the operation that failed; nil before it
}

// Ops returns the operations so far, each as "kind file number": the second fsync of best.safetensors is
// "sync best.safetensors 2".
func (f *Faulty) Ops() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ops
}

// Failed returns the error of the operation that failed, or nil before that.
func (f *Faulty) Failed() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failed
}

// causes holds the error with which each kind of operation fails.
var causes = map[string]error{
	"open": syscall.EROFS, "mkdir": syscall.EROFS, "write": syscall.ENOSPC, "sync": syscall.EIO, "close": syscall.EIO, "chmod": syscall.EIO,
	"truncate": syscall.EIO, "rename": syscall.EIO, "link": syscall.EIO, "remove": syscall.EROFS,
}

// op counts an operation and returns its error.
func (f *Faulty) op(kind, path string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	name := kind + " " + final(path)
	if f.counts == nil {
		f.counts = map[string]int{}
	}
	f.counts[name]++
	name = fmt.Sprintf("%s %d", name, f.counts[name])
	f.ops = append(f.ops, name)
	if name != f.Fail && (!f.Last || f.failed == nil || kind == "close") {
		return nil
	}
	err := &fs.PathError{Op: kind, Path: path, Err: causes[kind]}
	if f.failed == nil {
		f.failed = err
	}
	return err
}

// final returns the name that a temporary file will get, or the name of any other file.
func final(path string) string {
	name := filepath.Base(path)
	if strings.HasPrefix(name, ".") {
		name = strings.TrimRight(strings.TrimPrefix(name, "."), "0123456789")
	}
	return name
}

func (f *Faulty) OpenFile(path string, flag int, perm fs.FileMode) (disk.File, error) {
	if err := f.op("open", path); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, flag, perm)
	if err != nil {
		return nil, err
	}
	return faultyFile{file, path, f}, nil
}

func (f *Faulty) Mkdir(path string, perm fs.FileMode) error {
	return or(f.op("mkdir", path), func() error { return os.Mkdir(path, perm) })
}

func (f *Faulty) MkdirAll(path string, perm fs.FileMode) error {
	return or(f.op("mkdir", path), func() error { return os.MkdirAll(path, perm) })
}

func (f *Faulty) Rename(from, to string) error {
	return or(f.op("rename", to), func() error { return os.Rename(from, to) })
}

func (f *Faulty) Link(from, to string) error {
	return or(f.op("link", to), func() error { return os.Link(from, to) })
}

func (f *Faulty) Remove(path string) error {
	return or(f.op("remove", path), func() error { return os.Remove(path) })
}

func (f *Faulty) RemoveAll(path string) error {
	return or(f.op("remove", path), func() error { return os.RemoveAll(path) })
}

func or(err error, do func() error) error {
	if err != nil {
		return err
	}
	return do()
}

type faultyFile struct {
	disk.File
	path string
	of   *Faulty
}

// Write writes half of b if it fails, as on a full disk.
func (f faultyFile) Write(b []byte) (int, error) {
	if err := f.of.op("write", f.path); err != nil {
		n, _ := f.File.Write(b[:len(b)/2])
		return n, err
	}
	return f.File.Write(b)
}

func (f faultyFile) Sync() error { return or(f.of.op("sync", f.path), f.File.Sync) }

func (f faultyFile) Truncate(size int64) error {
	return or(f.of.op("truncate", f.path), func() error { return f.File.Truncate(size) })
}

func (f faultyFile) Chmod(perm fs.FileMode) error {
	return or(f.of.op("chmod", f.path), func() error { return f.File.Chmod(perm) })
}

// Close closes the file in any case.
func (f faultyFile) Close() error {
	err := f.of.op("close", f.path)
	if closed := f.File.Close(); err == nil {
		err = closed
	}
	return err
}
