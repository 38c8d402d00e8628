package regular_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"hymenoptera/internal/regular"
)

func TestRead(t *testing.T) {
	dir := t.TempDir()
	file, pipe, sparse := filepath.Join(dir, "file"), filepath.Join(dir, "pipe"), filepath.Join(dir, "sparse")
	for _, err := range []error{os.WriteFile(file, []byte("four"), 0o666), syscall.Mkfifo(pipe, 0o666), os.WriteFile(sparse, nil, 0o666), os.Truncate(sparse, 1<<40)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if data, err := regular.Read(file, 4); string(data) != "four" || err != nil {
		t.Errorf("got %q, error %v", data, err)
	}
	for _, path := range []string{file, sparse} {
		if _, err := regular.Read(path, 3); err == nil || err.Error() != "read "+path+": more than 3 bytes" {
			t.Errorf("%s: got error %v", path, err)
		}
	}
	for _, path := range []string{pipe, dir, "/dev/zero"} {
		if _, err := regular.Read(path, 3); !errors.Is(err, regular.ErrNotRegular) {
			t.Errorf("%s: got error %v, want %v", path, err, regular.ErrNotRegular)
		}
	}
	if _, err := regular.Read(filepath.Join(dir, "nothing"), 3); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got error %v", err)
	}
}

func TestSHA256(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("abc"), 0o666); err != nil {
		t.Fatal(err)
	}
	const want = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" // FIPS 180-4's example
	if got, err := regular.SHA256(t.Context(), file); got != want || err != nil {
		t.Errorf("got %q, error %v", got, err)
	}
	if _, err := regular.SHA256(t.Context(), dir); !errors.Is(err, regular.ErrNotRegular) {
		t.Errorf("a folder: got error %v, want %v", err, regular.ErrNotRegular)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := regular.SHA256(ctx, file); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got error %v", err)
	}
}

func TestPaths(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, err := range []error{os.Mkdir("folder", 0o777), os.WriteFile("file", nil, 0o666), os.Symlink("folder", "link")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]bool{"folder": true, "link": true, "file": false, "nothing": false, "": false} {
		if got := regular.IsFolder(path); got != want {
			t.Errorf("IsFolder(%q): got %v, want %v", path, got, want)
		}
	}
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"folder", "./folder/", true}, {"folder", "link", true}, {"nothing", "./nothing", true},
		{"folder", "file", false}, {"nothing", "other", false}, {"", "", false}, {".", "", false}, {"", ".", false},
	} {
		if got := regular.Same(c.a, c.b); got != c.want {
			t.Errorf("Same(%q, %q): got %v, want %v", c.a, c.b, got, c.want)
		}
	}
}
