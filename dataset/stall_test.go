package dataset

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hymenoptera/internal/mt19937"
	"hymenoptera/transforms"
)

// A pipe without a writer takes the place of a file system that hangs.
func TestWithinGivesUp(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	_, err := within(time.Millisecond, func(alive func()) (read, error) {
		f, err := os.Open(pipe)
		if err == nil {
			err = f.Close()
		}
		alive() // has no effect any more
		ended <- err
		return read{}, err
	})
	if want := "its file system does not answer: waited 1ms"; err == nil || err.Error() != want {
		t.Errorf("got error %v, want %q", err, want)
	}
	w, err := os.OpenFile(pipe, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(<-ended, w.Close()); err != nil {
		t.Error(err)
	}
	if r, err := within(time.Hour, func(func()) (read, error) { return read{version: 3}, io.EOF }); r.version != 3 || err != io.EOF {
		t.Errorf("got %v, error %v", r, err)
	}
}

// A file that changes between two passes is named: in the error if it can no longer be read, otherwise in a warning.
func TestFilesThatChange(t *testing.T) {
	other := readImage(t, "444.jpg")
	for name, tt := range map[string]struct {
		change  func(path string) error
		err     string
		warning string
	}{
		"removed":  {os.Remove, "cannot open it: no such file or directory", ""},
		"cut":      {func(path string) error { return os.Truncate(path, 700) }, "truncated", warnChanged},
		"emptied":  {func(path string) error { return os.Truncate(path, 0) }, "the file is empty", ""},
		"text":     {func(path string) error { return os.WriteFile(path, []byte("hello"), 0o600) }, "not an image of a known format", ""},
		"a folder": {func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) }, "not a regular file", ""},
		"a pipe":   {func(path string) error { return errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o600)) }, "not a regular file", ""},
		"another":  {func(path string) error { return os.WriteFile(path, other, 0o600) }, "", warnChanged},
		"the same": {func(path string) error { return nil }, "", ""},
	} {
		for _, workers := range []int{0, 2} {
			root := t.TempDir()
			path := filepath.Join(root, "ants", "1.jpg")
			for _, file := range []string{path, filepath.Join(root, "ants", "2.jpg"), filepath.Join(root, "bees", "1.jpg")} {
				if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, readImage(t, "420.jpg"), 0o600)); err != nil {
					t.Fatal(err)
				}
			}
			folder, err := NewImageFolder(root)
			if err != nil {
				t.Fatal(err)
			}
			var mu sync.Mutex
			var warned []string
			warn := func(w Warning) {
				mu.Lock()
				defer mu.Unlock()
				warned = append(warned, w.String())
			}
			l, err := NewLoader(folder, transforms.Train(32), LoaderConfig{BatchSize: 2, Workers: workers, Warn: warn})
			if err != nil {
				t.Fatal(err)
			}
			pass := func() error {
				e := l.Epoch(context.Background(), mt19937.New(1))
				defer e.Close()
				for {
					b, err := e.Next(context.Background())
					if err == io.EOF {
						return nil
					} else if err != nil {
						return err
					}
					b.Release()
				}
			}
			if err := errors.Join(pass(), tt.change(path)); err != nil {
				t.Fatal(err)
			}
			err = pass()
			if (err != nil) != (tt.err != "") || err != nil && (!strings.Contains(err.Error(), tt.err) || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "\n")) {
				t.Errorf("%s: got error %v, want %q", name, err, tt.err)
			}
			var want []string
			if tt.warning != "" {
				want = []string{path + " " + tt.warning}
			}
			if !slices.Equal(warned, want) {
				t.Errorf("%s: got warnings %q, want %q", name, warned, want)
			}
		}
	}
}
