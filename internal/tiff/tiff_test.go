package tiff_test

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"hymenoptera/internal/tiff"
)

// FuzzReader reads every block of a directory, and its rows as RGBA.
func FuzzReader(f *testing.F) {
	files, err := filepath.Glob("../../dataset/testdata/images/*.tif")
	if err != nil || len(files) == 0 {
		f.Fatalf("%d pictures, error %v", len(files), err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		order := binary.ByteOrder(binary.LittleEndian)
		if data[0] == 'M' {
			order = binary.BigEndian
		}
		f.Add(data, order.Uint32(data[4:]))
	}
	f.Fuzz(func(t *testing.T, data []byte, directory uint32) {
		if len(data) == 0 {
			return
		}
		r, err := tiff.Open(data, uint64(directory))
		if err != nil {
			return
		}
		defer r.Close()
		i := r.Info()
		const most = 1 << 20
		if i.Width <= 0 || i.Height <= 0 || i.Width > 1<<12 || i.Height > 1<<12 || i.Width*i.Height > most/4 || i.BlockSize > most || i.BlockWidth <= 0 || i.BlockHeight <= 0 {
			return
		}
		dst := make([]byte, i.BlockSize)
		blocks := 0
		for y := 0; y < i.Height; y += i.BlockHeight {
			for x := 0; x < i.Width && blocks < 64; x += i.BlockWidth {
				_ = r.Block(dst, x, y, 0)
				blocks++
			}
		}
		_ = r.RGBA(make([]byte, 4*i.Width*i.Height), 0, i.Height)
	})
}
