package disk_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hymenoptera/internal/disk"
	"hymenoptera/internal/disk/disktest"
)

// text returns content for Replace.
func text(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

func TestReplace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	for _, want := range []string{"first", "second"} {
		if err := disk.Replace(disk.OS{}, path, text(want)); err != nil {
			t.Fatal(err)
		}
		if data, err := os.ReadFile(path); string(data) != want || err != nil {
			t.Errorf("got %q, error %v, want %q", data, err, want)
		}
		if err := os.Chmod(path, 0o640); err != nil {
			t.Fatal(err)
		}
	}
	if err := disk.Replace(disk.OS{}, path, text("third")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o640 {
		t.Errorf("got mode %v, error %v, want that of the old file", info.Mode(), err)
	}
}

// When an operation fails, the old file stays whole, the error names the file, and no temporary file is left unless removing
// it fails.
func TestReplaceFails(t *testing.T) {
	for _, fail := range []string{"open file 1", "chmod file 1", "write file 1", "write file 2", "write file 3", "sync file 1", "close file 1", "rename file 1"} {
		for _, last := range []bool{false, true} {
			path := filepath.Join(t.TempDir(), "file")
			if err := errors.Join(os.WriteFile(path, []byte("old"), 0o666), os.Chmod(path, 0o640)); err != nil {
				t.Fatal(err)
			}
			sys := &disktest.Faulty{Fail: fail, Last: last}
			err := disk.Replace(sys, path, func(w io.Writer) error {
				return errors.Join(text(strings.Repeat("new", 1<<15))(w), text(strings.Repeat("new", 1<<15))(w), text("end")(w))
			})
			if sys.Failed() == nil || err == nil || !strings.HasPrefix(err.Error(), "write "+path+": ") {
				t.Errorf("%s: error %v, failed with %v", fail, err, sys.Failed())
			}
			if data, err := os.ReadFile(path); string(data) != "old" || err != nil {
				t.Errorf("%s: the old file holds %.10q, error %v", fail, data, err)
			}
			if files, err := os.ReadDir(filepath.Dir(path)); err != nil || !last && len(files) != 1 {
				t.Errorf("%s: left %v, error %v", fail, files, err)
			}
		}
	}
}

func TestSyncFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "folder")
	if err := errors.Join(os.Mkdir(dir, 0o777), disk.SyncFolder(disk.OS{}, dir)); err != nil {
		t.Error(err)
	}
	for _, fail := range []string{"open folder 1", "sync folder 1", "close folder 1"} {
		if err := disk.SyncFolder(&disktest.Faulty{Fail: fail}, dir); err == nil || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: got error %v", fail, err)
		}
	}
	if err := disk.SyncFolder(disk.OS{}, filepath.Join(dir, "nothing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got error %v", err)
	}
}
