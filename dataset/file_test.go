package dataset

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// ReadFile refuses these before it reads their content: a pipe without a writer, a sparse file larger than any memory, and
// a file of another format.
func TestReadFileRefuses(t *testing.T) {
	dir := t.TempDir()
	pipe, sparse, zeros := filepath.Join(dir, "pipe.jpg"), filepath.Join(dir, "sparse.jpg"), filepath.Join(dir, "zeros.jpg")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, size := range map[string]int64{sparse: 200 << 30, zeros: MaxFile} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, size); err != nil {
			t.Skip("no sparse files here:", err)
		}
	}
	for _, tt := range []struct{ path, want string }{
		{pipe, "not a regular file"},
		{dir, "not a regular file"},
		{sparse, "214748364800 bytes are too many for a picture: want at most 1073741824"},
		{zeros, "not an image of a known format"},
		{filepath.Join(dir, "nothing.jpg"), "no such file"},
	} {
		if _, err := ReadFile(nil, tt.path); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("ReadFile(%s): got %v, want %q in it", filepath.Base(tt.path), err, tt.want)
		}
		if _, _, err := (Sample{Path: tt.path}).Dimensions(t.Context()); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Dimensions(%s): got %v, want %q in it", filepath.Base(tt.path), err, tt.want)
		}
	}
}

// The buffer of one file is reused for the next, shorter or longer one.
func TestReadFile(t *testing.T) {
	var buf []byte
	for _, name := range []string{"420.jpg", "420-big.jpg", "444.jpg", "grey2.png"} {
		var err error
		if buf, err = ReadFile(buf, "testdata/images/"+name); err != nil {
			t.Fatal(err)
		}
		if want := readImage(t, name); string(buf) != string(want) {
			t.Errorf("%s: got %d bytes, want %d", name, len(buf), len(want))
		}
	}
}
