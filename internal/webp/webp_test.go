package webp_test

import (
	"os"
	"path/filepath"
	"testing"

	"hymenoptera/internal/webp"
)

// FuzzDecode gives libwebp exactly the memory that a picture needs.
func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("../../dataset/testdata/images/*.webp")
	if err != nil || len(files) == 0 {
		f.Fatalf("%d pictures, error %v", len(files), err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		w, h, err := webp.Size(data)
		if err != nil || w <= 0 || h <= 0 || w*h > 1<<18 {
			return
		}
		_ = webp.Decode(make([]byte, 4*w*h), 4*w, data, w, h)
	})
}
