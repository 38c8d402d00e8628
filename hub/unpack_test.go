package hub_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"hymenoptera/hub"
)

// A member is an entry of a zip to be made.
type member struct {
	name, body string
	mode       fs.FileMode
}

// makeZip returns a zip with members, each compressed.
func makeZip(t testing.TB, members ...member) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, m := range members {
		h := &zip.FileHeader{Name: m.name, Method: zip.Deflate}
		if strings.HasSuffix(m.name, "/") {
			h.Method = zip.Store
		}
		if m.mode != 0 {
			h.SetMode(m.mode)
		}
		w, err := z.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, m.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// tutorial returns a zip with the layout of the tutorial's.
func tutorial(t testing.TB) []byte {
	return makeZip(t,
		member{name: "hymenoptera_data/"}, member{name: "hymenoptera_data/train/"}, member{name: "hymenoptera_data/train/ants/"},
		member{name: "hymenoptera_data/train/ants/0013035.jpg", body: "an ant"},
		member{name: "hymenoptera_data/train/ants/ant photos.jpg", body: "more ants", mode: 0o400},
		member{name: "hymenoptera_data/val/bees/1032546534_06907fe3b3.jpg", body: ""},
		member{name: "__MACOSX/hymenoptera_data/._train", body: "of macOS"})
}

// tree returns the files below dir with their content.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		files[rel] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// unpack writes a zip to disk and unpacks it to a new folder. It checks Unpack's promise: the folder is
// there if and only if there is no error, and nothing is beside it.
func unpack(t testing.TB, data []byte, limits hub.Limits) (map[string]string, error) {
	t.Helper()
	outer := memoryDir(t)
	inner := filepath.Join(outer, "data")
	zipFile := filepath.Join(outer, "in.zip")
	if err := errors.Join(os.Mkdir(inner, 0o777), os.WriteFile(zipFile, data, 0o666)); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(inner, "hymenoptera_data")
	unpackErr := hub.Unpack(context.Background(), zipFile, "hymenoptera_data", dir, limits)
	want := []string{"data"}
	if unpackErr != nil {
		want = nil
	}
	entries, err := os.ReadDir(inner)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(want) || len(want) == 1 && entries[0].Name() != "hymenoptera_data" {
		t.Fatalf("error %v, and beside the new folder there are %v", unpackErr, entries)
	}
	if entries, err := os.ReadDir(outer); err != nil || len(entries) != 2 {
		t.Fatalf("outside there are %v, %v", entries, err)
	}
	if unpackErr != nil {
		return nil, unpackErr
	}
	return tree(t, dir), nil
}

// memoryDir returns an empty folder, in memory if the system has a file system for that: syncing thousands of small
// folders to disk takes long.
func memoryDir(t testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "hub-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func TestUnpack(t *testing.T) {
	got, err := unpack(t, tutorial(t), hub.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"train/ants/0013035.jpg": "an ant", "train/ants/ant photos.jpg": "more ants", "val/bees/1032546534_06907fe3b3.jpg": "",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestUnpackRefusesNames(t *testing.T) {
	const top = "hymenoptera_data/"
	for name, want := range map[string]string{
		"/etc/passwd":                     "absolute",
		"../evil":                         "lead elsewhere",
		top + "../evil":                   "lead elsewhere",
		top + "train/../../../evil":       "lead elsewhere",
		top + "./a":                       "lead elsewhere",
		top + "a//b":                      "lead elsewhere",
		top + "..":                        "lead elsewhere",
		"":                                "lead elsewhere",
		".":                               "lead elsewhere",
		"..":                              "lead elsewhere",
		"./":                              "lead elsewhere",
		"//":                              "absolute",
		top + `..\evil`:                   "separate folders",
		`C:\evil`:                         "separate folders",
		top + "a\x00.jpg":                 "control character",
		top + "a\n.jpg":                   "control character",
		top + "a\xff.jpg":                 "UTF-8",
		top + strings.Repeat("a", 256):    "255",
		top + strings.Repeat("a/", 600):   "1024",
		"evil":                            "not in the folder",
		"hymenoptera_data":                "not in the folder",
		"hymenoptera_data2/a":             "not in the folder",
		"hymenoptera_datA/a":              "not in the folder",
		top + "train/ants/0013035.jpg":    "stands twice",
		top + "train/ANTS/0013035.JPG":    "stands twice",
		top + "train/ants":                "stands twice",
		top + "train/ants/0013035.jpg/":   "stands twice",
		top + "train/ants/0013035.jpg/ab": "which is a file",
	} {
		data := makeZip(t, member{name: top + "train/ants/0013035.jpg", body: "an ant"}, member{name: name})
		if _, err := unpack(t, data, hub.DefaultLimits()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", name, err, want)
		}
	}
	for _, name := range []string{"con", "a:b.jpg", "a.", ".hidden", "...a", "a..b", "ä.jpg", "🐜.jpg"} {
		if _, err := unpack(t, makeZip(t, member{name: top + name}), hub.DefaultLimits()); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestUnpackRefusesKinds(t *testing.T) {
	const name = "hymenoptera_data/a"
	for mode, want := range map[fs.FileMode]string{
		fs.ModeSymlink | 0o777:               "neither a file nor a folder",
		fs.ModeDevice | 0o666:                "neither a file nor a folder",
		fs.ModeDevice | fs.ModeCharDevice:    "neither a file nor a folder",
		fs.ModeNamedPipe | 0o666:             "neither a file nor a folder",
		fs.ModeSocket | 0o666:                "neither a file nor a folder",
		fs.ModeDir | 0o777:                   "neither a file nor a folder",
		fs.ModeSetuid | fs.ModeSymlink | 0o7: "neither a file nor a folder",
	} {
		data := makeZip(t, member{name: name, body: "/etc/passwd", mode: mode})
		if _, err := unpack(t, data, hub.DefaultLimits()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: error %v, want %q", mode, err, want)
		}
	}
}

// Unpack notices every cut and every damaged byte of a zip, or the damage changes nothing that matters.
func TestUnpackDamaged(t *testing.T) {
	good := tutorial(t)
	want, err := unpack(t, good, hub.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for n := 0; n < len(good); n += 7 {
		if _, err := unpack(t, good[:n], hub.DefaultLimits()); err == nil {
			t.Errorf("cut to %d of %d bytes: no error", n, len(good))
		}
		flipped := bytes.Clone(good)
		flipped[n] ^= 0x55
		got, err := unpack(t, flipped, hub.DefaultLimits())
		if err != nil {
			refused++
			continue
		}
		for name, body := range got {
			if old, ok := want[name]; ok && old != body {
				t.Errorf("byte %d flipped: %s is another file", n, name)
			}
		}
	}
	t.Logf("%d of %d flips refused", refused, (len(good)+6)/7)
}

func TestUnpackCancelledOrThere(t *testing.T) {
	dir := t.TempDir()
	zipFile := filepath.Join(dir, "a.zip")
	if err := os.WriteFile(zipFile, tutorial(t), 0o666); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := hub.Unpack(ctx, zipFile, "hymenoptera_data", filepath.Join(dir, "x"), hub.DefaultLimits()); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error %v", err)
	}
	if err := hub.Unpack(t.Context(), zipFile, "hymenoptera_data", dir, hub.DefaultLimits()); err == nil || !strings.Contains(err.Error(), "there already") {
		t.Errorf("there already: error %v", err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}
