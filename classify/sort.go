package classify

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"hymenoptera/dataset"
	"hymenoptera/internal/disk"
)

// A Sorter puts pictures into a folder for each class.
type Sorter struct {
	folder string
	names  []string // of the folders, by class
	link   bool
}

// NewSorter returns a sorter into folders named after classes below folder, which is made. With link the pictures become hard
// links, which take no space and change with the originals; without, copies.
func NewSorter(folder string, classes []string, link bool) (*Sorter, error) {
	for _, class := range classes { // these come from a file
		if strings.ContainsAny(class, "/\\\x00") || !filepath.IsLocal(class) || class == "." {
			return nil, fmt.Errorf("classify: no folder can be named after the class %s", dataset.Shown(class)[0])
		}
	}
	return &Sorter{folder, classes, link}, os.MkdirAll(folder, 0o777)
}

// Put puts a picture into the folder of a class, and returns its path there. If another picture has its name, it gets a number: a
// file that is the same picture stays as it is, so that a second run changes nothing.
func (s *Sorter) Put(picture string, class int) (string, error) {
	if err := os.MkdirAll(filepath.Join(s.folder, s.names[class]), 0o777); err != nil {
		return "", err
	}
	base := filepath.Base(picture)
	ext := filepath.Ext(base)
	for n := 1; ; n++ {
		name := base
		if n > 1 {
			name = fmt.Sprintf("%s-%d%s", strings.TrimSuffix(base, ext), n, ext)
		}
		path := filepath.Join(s.folder, s.names[class], name)
		if same, err := sameContent(picture, path); same || err != nil && !errors.Is(err, fs.ErrNotExist) {
			return path, err
		} else if err == nil {
			continue
		}
		return path, s.put(picture, path)
	}
}

func (s *Sorter) put(picture, path string) error {
	if s.link {
		return os.Link(picture, path)
	}
	data, err := dataset.ReadFile(nil, picture)
	if err != nil {
		return err
	}
	return disk.Replace(disk.OS{}, path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// sameContent reports whether two files are equal. The error is that of the second.
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
