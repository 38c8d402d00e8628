package dataset

import (
	"testing"

	"hymenoptera/internal/jpeg"
	"hymenoptera/transforms"
)

// Every format has its own target, so that the search goes deep into each; internal/jpeg has one for its decoder.

func FuzzPNG(f *testing.F)  { fuzzFormat(f, formatPNG) }
func FuzzGIF(f *testing.F)  { fuzzFormat(f, formatGIF) }
func FuzzBMP(f *testing.F)  { fuzzFormat(f, formatBMP) }
func FuzzTIFF(f *testing.F) { fuzzFormat(f, formatTIFF) }
func FuzzWebP(f *testing.F) { fuzzFormat(f, formatWebP) }
func FuzzPNM(f *testing.F) {
	f.Add([]byte("P3 # comment\n3 2\n#more\n15\n0 1 2  3 4 5\n6 7 8 9 10 11 12 13 14 15 0 1\n"))
	f.Add([]byte("P6 1 1 1000\n\x00\x01\x02\x03\x00\x00"))
	f.Add([]byte("P1\n5 2\n01011 1 0\n1 0 1\n"))
	fuzzFormat(f, formatPNM)
}

// FuzzJPEG fuzzes the parts of JPEG files that this package reads itself.
func FuzzJPEG(f *testing.F) { fuzzFormat(f, formatJPEG) }

// pictureSeeds returns the committed pictures, whole and damaged.
func pictureSeeds(f *testing.F) (all [][]byte) {
	for _, g := range goldens(f) {
		all = append(all, readImage(f, g.File))
	}
	for _, archive := range []string{"testdata/odd.zip", "testdata/exif.zip"} {
		for name, data := range readZip(f, archive) {
			if name != "answers.json" {
				all = append(all, data)
			}
		}
	}
	return all
}

// fuzzFormat fuzzes decoding of one format, with the committed pictures of that format as seeds.
func fuzzFormat(f *testing.F, want fileFormat) {
	for _, data := range pictureSeeds(f) {
		if format(data) == want {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if format(data) == want {
			decodeAny(t, data)
		}
	})
}

// FuzzDecode fuzzes the detection of formats.
func FuzzDecode(f *testing.F) {
	for _, data := range pictureSeeds(f) {
		f.Add(data)
	}
	f.Fuzz(decodeAny)
}

// decodeAny decodes a picture with few pixels, and checks the functions that read only its header.
func decodeAny(t *testing.T, data []byte) {
	w, h, sizeErr := Size(data)
	warnings(data, max(w, 0), max(h, 0))
	exifOrientation(data)
	Taken(data)
	p, err := NewPreparer(transforms.Eval(8), false)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	p.Bound(jpeg.MaxPixels)
	cost, costErr := p.Cost(data)
	if costErr == nil && (cost.Memory <= 0 || cost.Work <= 0) {
		t.Errorf("cost %+v", cost)
	}
	if sizeErr == nil && w*h > 1<<18 {
		return // it would be slow
	}
	var m transforms.Image
	if Decode(&m, data) != nil {
		return
	}
	if m.Width <= 0 || m.Height <= 0 || len(m.Pix) < m.Stride*m.Height {
		t.Errorf("%d×%d pixels in %d words", m.Width, m.Height, len(m.Pix))
	}
	if turned := format(data) == formatTIFF && w == m.Height && h == m.Width; sizeErr != nil || !turned && (w != m.Width || h != m.Height) {
		t.Errorf("%d×%d pixels, but its size is %d×%d, error %v", m.Width, m.Height, w, h, sizeErr)
	}
	if costErr != nil {
		t.Errorf("it can be decoded, but not its cost be told: %v", costErr)
	}
}
