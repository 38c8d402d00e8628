package dataset

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"runtime"
	"testing"

	"golang.org/x/image/tiff"

	"hymenoptera/transforms"
)

// What Memory says suffices for everything that Prepare allocates, garbage too, and is no more than a few times of it:
// for the fixtures of every format, and for large pictures of those whose decoders make pictures of their own.
func TestMemoryBoundsWhatPrepareTakes(t *testing.T) {
	files := map[string][]byte{}
	for _, g := range goldens(t) {
		if g.Error == "" {
			files[g.File] = readImage(t, g.File)
		}
	}
	for _, depth := range []byte{1, 8, 16} {
		for _, kind := range []byte{0, 2, 4, 6} { // grey, RGB, and both with alpha
			for _, interlaced := range []bool{false, true} {
				if depth == 1 && kind != 0 {
					continue
				}
				name := fmt.Sprintf("large PNG of type %d, depth %d, interlaced %v", kind, depth, interlaced)
				files[name] = blackPNG(1500, 1001, depth, kind, interlaced)
			}
		}
	}
	size := image.Rect(0, 0, 1500, 1001)
	for name, m := range map[string]image.Image{
		"grey": image.NewGray(size), "grey16": image.NewGray16(size), "rgba": image.NewRGBA(size), "nrgba64": image.NewNRGBA64(size),
		"palette": image.NewPaletted(size, color.Palette{color.Black, color.White}),
	} {
		for _, compression := range []tiff.CompressionType{tiff.Uncompressed, tiff.Deflate} {
			var b bytes.Buffer
			if err := tiff.Encode(&b, m, &tiff.Options{Compression: compression}); err != nil {
				t.Fatal(err)
			}
			files[fmt.Sprintf("large TIFF, %s, compression %d", name, compression)] = b.Bytes()
		}
	}
	for name, data := range files {
		p, err := NewPreparer(transforms.Eval(64), false)
		if err != nil {
			t.Fatal(err)
		}
		dst := make([]float32, p.Len())
		want, err := p.Memory(data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err = p.Prepare(t.Context(), dst, data)
		runtime.ReadMemStats(&after)
		p.Close()
		got := int64(after.TotalAlloc - before.TotalAlloc)
		if err != nil || got > want || got > 2<<20 && want > 4*got {
			t.Errorf("%s: took %d bytes, want at most %d, and no less than a quarter; error %v", name, got, want, err)
		}
	}
}

// blackPNG returns a file whose samples are all 0.
func blackPNG(width, height int, depth, kind byte, interlaced bool) []byte {
	header := binary.BigEndian.AppendUint32(nil, uint32(width))
	header = binary.BigEndian.AppendUint32(header, uint32(height))
	header = append(header, depth, kind, 0, 0, 0)
	bits := int(depth) * map[byte]int{0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind]
	bytesOf := func(w, h int) int {
		if w == 0 || h == 0 {
			return 0
		}
		return h * (1 + (w*bits+7)/8)
	}
	n := bytesOf(width, height)
	if interlaced {
		header[12], n = 1, 0
		for _, p := range [7][4]int{{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}} {
			n += bytesOf((width-p[0]+p[2]-1)/p[2], (height-p[1]+p[3]-1)/p[3])
		}
	}
	var pixels bytes.Buffer
	z := zlib.NewWriter(&pixels)
	z.Write(make([]byte, n))
	z.Close()
	file := []byte("\x89PNG\r\n\x1a\n")
	for _, c := range []struct {
		name string
		data []byte
	}{{"IHDR", header}, {"IDAT", pixels.Bytes()}, {"IEND", nil}} {
		file = binary.BigEndian.AppendUint32(file, uint32(len(c.data)))
		body := append([]byte(c.name), c.data...)
		file = append(file, body...)
		file = binary.BigEndian.AppendUint32(file, crc32.ChecksumIEEE(body))
	}
	return file
}
