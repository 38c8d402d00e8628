package dataset

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"hymenoptera/transforms"
)

// A golden is Pillow's result for a file in testdata/images (scripts/make_fixtures.py).
type golden struct {
	File          string
	Width, Height int
	SHA256        string // of the RGB bytes
	Error         string // Pillow's error, if it fails
}

func goldens(t testing.TB) (list []golden) {
	t.Helper()
	data, err := os.ReadFile("testdata/images.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	return list
}

func readImage(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata/images", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// rgb returns the pixels as R, G, B, row by row.
func rgb(m *transforms.Image) (pix []byte) {
	for y := range m.Height {
		for x := range m.Width {
			r, g, b := m.At(x, y)
			pix = append(pix, r, g, b)
		}
	}
	return pix
}

func TestDecodeIsPillows(t *testing.T) {
	for _, want := range goldens(t) {
		t.Run(want.File, func(t *testing.T) {
			var m transforms.Image
			err := Decode(&m, readImage(t, want.File))
			if want.Error != "" {
				if err == nil {
					t.Errorf("no error, Pillow has %s", want.Error)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256(rgb(&m))
			if got := hex.EncodeToString(sum[:]); m.Width != want.Width || m.Height != want.Height || got != want.SHA256 {
				t.Errorf("got %d×%d, %s, want %d×%d, %s", m.Width, m.Height, got, want.Width, want.Height, want.SHA256)
			}
		})
	}
}

// TestDecodeTruncated cuts every file in many places: Decode must not panic or allocate absurd amounts of memory.
func TestDecodeTruncated(t *testing.T) {
	for _, g := range goldens(t) {
		data := readImage(t, g.File)
		var m transforms.Image
		for n := 0; n < len(data); n += 1 + len(data)/100 {
			Decode(&m, data[:n]) // whether it fails depends on the format
		}
	}
}

// Decode refuses pictures with too many pixels before it allocates memory for them.
func TestDecodeRefusesBombs(t *testing.T) {
	big := func(header []byte, at int, order binary.AppendByteOrder) string {
		return string(order.AppendUint32(order.AppendUint32(slices.Clone(header[:at]), 40_000), 40_000)) + string(header[at+8:])
	}
	ihdr := []byte(big([]byte("IHDR........\x08\x02\x00\x00\x00"), 4, binary.BigEndian))
	for name, data := range map[string]string{
		"png": "\x89PNG\r\n\x1a\n\x00\x00\x00\x0d" + string(binary.BigEndian.AppendUint32(ihdr, crc32.ChecksumIEEE(ihdr))) + "\x00\x00\x00\x00IDAT",
		"bmp": big(readImage(t, "rgb.bmp"), 18, binary.LittleEndian),
		"pnm": "P6 40000 40000 255\n",
		"gif": "GIF89a\xff\xff\xff\xff\x00\x00\x00,\x00\x00\x00\x00\xff\xff\xff\xff\x00\x08",
		"tiff": "II*\x00\x08\x00\x00\x00\x02\x00" +
			"\x00\x01\x04\x00\x01\x00\x00\x00\x40\x9c\x00\x00" + "\x01\x01\x04\x00\x01\x00\x00\x00\x40\x9c\x00\x00" + "\x00\x00\x00\x00",
		"webp": "RIFF\x1a\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00\x3f\x9c\x00\x3f\x9c\x00" + "VP8 \x00\x00\x00\x00",
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		var m transforms.Image
		err := Decode(&m, []byte(data))
		runtime.ReadMemStats(&after)
		if name != "webp" && !errors.Is(err, ErrTooManyPixels) || err == nil {
			t.Errorf("%s: got %v, want %v", name, err, ErrTooManyPixels)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
			t.Errorf("%s: %d bytes of memory", name, n)
		}
	}
}
