// Package disk writes files so that a name never stands for half a file, even after an error or a kill.
package disk

import (
	"bufio"
	"cmp"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// A System makes, renames and removes files. [OS] is the machine's; tests use one that fails.
type System interface {
	OpenFile(path string, flag int, perm fs.FileMode) (File, error)
	Mkdir(path string, perm fs.FileMode) error
	MkdirAll(path string, perm fs.FileMode) error
	Rename(from, to string) error
	Link(from, to string) error
	Remove(path string) error
	RemoveAll(path string) error
}

// A File is a file that is written, or a folder that is synced.
type File interface {
	io.WriteCloser
	Sync() error
	Truncate(size int64) error
	Chmod(perm fs.FileMode) error
	Stat() (fs.FileInfo, error)
}

// Replace replaces path by the output of content, all or nothing: it writes a hidden file in the same folder, syncs it to
// the disk and renames it. A reader sees the old file or the new one. A new file has the old one's permissions. The new name
// is on the disk after [SyncFolder].
func Replace(sys System, path string, content func(io.Writer) error) error {
	if err := replace(sys, path, content); err != nil {
		return &fs.PathError{Op: "write", Path: path, Err: cause(err)}
	}
	return nil
}

// Bytes returns a content for Replace.
func Bytes(data []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	}
}

func replace(sys System, path string, content func(io.Writer) error) (err error) {
	name := Temporary(path)
	f, err := sys.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			sys.Remove(name)
		}
	}()
	if err = permit(f, path); err == nil {
		w := bufio.NewWriterSize(f, 1<<16)
		err = cmp.Or(content(w), w.Flush())
	}
	if err == nil {
		err = f.Sync()
	}
	if err = cmp.Or(err, f.Close()); err == nil {
		err = sys.Rename(name, path)
	}
	return err
}

// permit gives f the permissions of the file that it will replace, if there is one.
func permit(f File, path string) error {
	old, err := os.Lstat(path)
	if err != nil || !old.Mode().IsRegular() {
		return nil
	}
	info, err := f.Stat()
	if err != nil || info.Mode().Perm() == old.Mode().Perm() {
		return err
	}
	return f.Chmod(old.Mode().Perm())
}

// Temporary returns a new name for the file that [Replace] writes before it renames it to path.
func Temporary(path string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+strconv.FormatInt(rand.Int64(), 10))
}

// cause returns an error of package os without its file names, which may be temporary ones.
func cause(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}

// SyncFolder syncs the names in a folder to the disk. It does nothing if the file system or the folder's permissions do not
// allow that.
func SyncFolder(sys System, path string) error {
	f, err := sys.OpenFile(path, os.O_RDONLY, 0)
	if err == nil {
		err = cmp.Or(f.Sync(), f.Close())
	}
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.EACCES) {
		return nil
	}
	return err
}

// OS is the machine's file system.
type OS struct{}

func (OS) OpenFile(path string, flag int, perm fs.FileMode) (File, error) {
	f, err := os.OpenFile(path, flag, perm)
	if err != nil {
		return nil, err // not a File that holds a nil pointer
	}
	return f, nil
}

func (OS) Mkdir(path string, perm fs.FileMode) error    { return os.Mkdir(path, perm) }
func (OS) MkdirAll(path string, perm fs.FileMode) error { return os.MkdirAll(path, perm) }
func (OS) Rename(from, to string) error                 { return os.Rename(from, to) }
func (OS) Link(from, to string) error                   { return os.Link(from, to) }
func (OS) Remove(path string) error                     { return os.Remove(path) }
func (OS) RemoveAll(path string) error                  { return os.RemoveAll(path) }
