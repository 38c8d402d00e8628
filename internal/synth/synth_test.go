package synth_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"image"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"testing"

	_ "image/jpeg"

	"hymenoptera/internal/synth"
)

func small() synth.Config { return synth.Config{Seed: 7, Train: 3, Val: 2, MinSide: 40, MaxSide: 80} }

// hashes returns the SHA-256 of every file below dir.
func hashes(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		all[rel] = fmt.Sprintf("%x", sha256.Sum256(data))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestWriteRepeatsItself(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	for _, dir := range []string{a, b} {
		if err := synth.Write(dir, small()); err != nil {
			t.Fatal(err)
		}
	}
	got, again := hashes(t, a), hashes(t, b)
	if len(got) != 10 {
		t.Fatalf("%d files, want 10", len(got))
	}
	seen := map[string]string{}
	for name, h := range got {
		if again[name] != h {
			t.Errorf("%s differs between two runs of one configuration", name)
		}
		if twin, ok := seen[h]; ok {
			t.Errorf("%s and %s are the same picture", name, twin)
		}
		seen[h] = name
	}
}

func TestWritePicturesHaveTheAskedSides(t *testing.T) {
	dir := t.TempDir()
	if err := synth.Write(dir, small()); err != nil {
		t.Fatal(err)
	}
	for name := range hashes(t, dir) {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		cfg, format, err := image.DecodeConfig(f)
		f.Close()
		if err != nil || format != "jpeg" || min(cfg.Width, cfg.Height) < 40 || max(cfg.Width, cfg.Height) > 80 {
			t.Errorf("%s: %s of %d×%d, error %v; want a jpeg with sides from 40 to 80", name, format, cfg.Width, cfg.Height, err)
		}
	}
}

func TestWriteRefusesNonsense(t *testing.T) {
	for _, cfg := range []synth.Config{
		{},
		{Train: 1, Val: 0, MinSide: 40, MaxSide: 50},
		{Train: 1, Val: 1, MinSide: 4, MaxSide: 50},
		{Train: 1, Val: 1, MinSide: 60, MaxSide: 50},
		{Train: 1, Val: 1, MinSide: 60, MaxSide: 5000},
	} {
		dir := filepath.Join(t.TempDir(), "set")
		if err := synth.Write(dir, cfg); err == nil {
			t.Errorf("%+v was accepted", cfg)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%+v was refused and left %s behind", cfg, dir)
		}
	}
}

func ExampleWrite() {
	dir, err := os.MkdirTemp("", "synth")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	cfg := synth.DefaultConfig()
	cfg.Train, cfg.Val = 2, 1
	if err := synth.Write(dir, cfg); err != nil {
		panic(err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*", "*", "*.jpg"))
	for _, f := range files {
		rel, _ := filepath.Rel(dir, f)
		fmt.Println(rel)
	}
	// Output:
	// train/ants/000.jpg
	// train/ants/001.jpg
	// train/bees/000.jpg
	// train/bees/001.jpg
	// val/ants/000.jpg
	// val/bees/000.jpg
}

// Write draws the pictures again that a killed process left, and replaces no file that is not one of its own.
func TestWriteReplacesNothingElse(t *testing.T) {
	dir := t.TempDir()
	if err := synth.Write(dir, small()); err != nil {
		t.Fatal(err)
	}
	want := hashes(t, dir)
	file := filepath.Join(dir, "train", "bees", "001.jpg")
	if err := os.Truncate(file, 100); err != nil {
		t.Fatal(err)
	}
	if err := synth.Write(dir, small()); err != nil {
		t.Fatal(err)
	}
	if got := hashes(t, dir); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, other := range [][]byte{[]byte("mine"), make([]byte, 1<<20)} {
		if err := os.WriteFile(file, other, 0o666); err != nil {
			t.Fatal(err)
		}
		if err := synth.Write(dir, small()); err == nil {
			t.Error("no error")
		}
		if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, other) {
			t.Errorf("the file of somebody else holds %.20q, error %v", got, err)
		}
	}
}
