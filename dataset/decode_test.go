package dataset

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"hymenoptera/transforms"
)

// A golden is what Pillow makes of a file in testdata/images (scripts/make_fixtures.py).
type golden struct {
	File          string
	Width, Height int
	SHA256        string // of the RGB bytes
	Error         string // Pillow's, where it fails
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

// TestDecodeTruncated cuts every file in many places: nothing may panic or ask for absurd memory.
func TestDecodeTruncated(t *testing.T) {
	for _, g := range goldens(t) {
		data := readImage(t, g.File)
		var m transforms.Image
		for n := 0; n < len(data); n += 1 + len(data)/100 {
			Decode(&m, data[:n]) // an error or not, as the format has it
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, g := range goldens(f) {
		f.Add(readImage(f, g.File))
	}
	for name, data := range readZip(f, "testdata/odd.zip") {
		if name != "answers.json" {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if w, h, err := Size(data); format(data) == formatJPEG || err == nil && w*h > 1<<20 {
			return // fuzzed in internal/jpeg; slow
		}
		var m transforms.Image
		if err := Decode(&m, data); err == nil && (m.Width <= 0 || m.Height <= 0 || len(m.Pix) < m.Stride*m.Height) {
			t.Errorf("%d×%d pixels in %d words", m.Width, m.Height, len(m.Pix))
		}
	})
}

func FuzzPNM(f *testing.F) {
	f.Add([]byte("P3 # comment\n3 2\n#more\n15\n0 1 2  3 4 5\n6 7 8 9 10 11 12 13 14 15 0 1\n"))
	f.Add([]byte("P6 1 1 1000\n\x00\x01\x02\x03\x00\x00"))
	f.Add([]byte("P1\n5 2\n01011 1 0\n1 0 1\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if format(data) != formatPNM {
			return
		}
		var m transforms.Image
		if err := decodePNM(&m, data); err == nil && m.Width*m.Height > 8*len(data)+8 {
			t.Errorf("%d×%d pixels from %d bytes", m.Width, m.Height, len(data))
		}
	})
}
