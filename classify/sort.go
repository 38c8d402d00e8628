package classify

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"hymenoptera/dataset"
	"hymenoptera/internal/disk"
)

// A Sorter puts pictures into one folder per class.
type Sorter struct {
	folder string
	names  []string // of the folders, by class
	link   bool
}

// NewSorter returns a sorter into folders named after classes below folder, which it makes. With link the pictures become
// hard links, which take no space and change with the originals; without, copies.
func NewSorter(folder string, classes []string, link bool) (*Sorter, error) {
	for _, class := range classes { // these come from a file
		if strings.ContainsAny(class, "/\\\x00") || !filepath.IsLocal(class) || class == "." {
			return nil, fmt.Errorf("classify: no folder can be named after the class %s", dataset.Shown(class)[0])
		}
	}
	return &Sorter{folder, classes, link}, os.MkdirAll(folder, 0o777)
}

// Put puts a picture into the folder of a class, and returns its path there. If another picture has its name, Put adds the
// first digits of its SHA-256. A file with the same content stays as it is, so that a second run changes nothing.
func (s *Sorter) Put(picture string, class int) (string, error) {
	folder := filepath.Join(s.folder, s.names[class])
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return "", err
	}
	base := filepath.Base(picture)
	path := filepath.Join(folder, base)
	same, err := sameContent(picture, path)
	if err == nil && !same {
		data, errRead := dataset.ReadFile(nil, picture)
		if errRead != nil {
			return "", errRead
		}
		ext, sum := filepath.Ext(base), sha256.Sum256(data)
		path = filepath.Join(folder, fmt.Sprintf("%s-%x%s", strings.TrimSuffix(base, ext), sum[:4], ext))
		same, err = sameContent(picture, path)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return path, s.put(picture, path)
	case err == nil && !same:
		return "", fmt.Errorf("classify: %s is another picture", path)
	}
	return path, err
}

func (s *Sorter) put(picture, path string) error {
	if s.link {
		return os.Link(picture, path)
	}
	data, err := dataset.ReadFile(nil, picture)
	if err != nil {
		return err
	}
	return disk.Replace(disk.OS{}, path, disk.Bytes(data))
}

// sameContent reports whether two files are equal. Its error is about the second one.
func sameContent(picture, path string) (bool, error) {
	there, err := os.Lstat(path)
	if err != nil {
		return false, err
	}
	here, err := os.Stat(picture)
	if err != nil || !there.Mode().IsRegular() || here.Size() != there.Size() {
		return false, nil
	}
	if os.SameFile(here, there) {
		return true, nil
	}
	a, errA := dataset.ReadFile(nil, picture)
	b, errB := dataset.ReadFile(nil, path)
	return errA == nil && errB == nil && bytes.Equal(a, b), nil
}
