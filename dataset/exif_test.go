package dataset

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"slices"
	"testing"

	"hymenoptera/transforms"
)

// Pictures are turned as PIL.ImageOps.exif_transpose turns them (scripts/make_exif_pictures.py), also if only a part of
// them is shown.
func TestPicturesAreTurnedAsPillowDoes(t *testing.T) {
	files := readZip(t, "testdata/exif.zip")
	var answers map[string]struct {
		Width, Height int
		SHA256        string
	}
	if err := json.Unmarshal(files["answers.json"], &answers); err != nil {
		t.Fatal(err)
	}
	if len(answers) < 30 {
		t.Fatalf("%d pictures", len(answers))
	}
	turned := transforms.Transform{Short: 12, Size: 8, Mean: [3]float32{0.5, 0.5, 0.5}, Std: [3]float32{1, 1, 1}, Upright: true}
	plain := turned
	plain.Upright = false
	for name, want := range answers {
		var m transforms.Image
		if err := Decode(&m, files[name]); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		TurnUpright(&m, files[name])
		picture := image.NewNRGBA(image.Rect(0, 0, m.Width, m.Height))
		var rgb []byte
		for y := range m.Height {
			for x := range m.Width {
				r, g, b := m.At(x, y)
				rgb = append(rgb, r, g, b)
				picture.SetNRGBA(x, y, color.NRGBA{r, g, b, 255})
			}
		}
		sum := sha256.Sum256(rgb)
		if got := hex.EncodeToString(sum[:]); m.Width != want.Width || m.Height != want.Height || got != want.SHA256 {
			t.Errorf("%s: orientation %d: got %d×%d and %s, want %d×%d and %s", name, exifOrientation(files[name]), m.Width, m.Height, got, want.Width, want.Height, want.SHA256)
			continue
		}
		var upright bytes.Buffer
		if err := png.Encode(&upright, picture); err != nil {
			t.Fatal(err)
		}
		if got, want := prepared(t, turned, files[name]), prepared(t, plain, upright.Bytes()); !slices.Equal(got, want) {
			t.Errorf("%s: its sample is not that of the picture turned before", name)
		}
	}
}

// prepared returns the sample of a picture, and checks its cost too.
func prepared(t *testing.T, tf transforms.Transform, data []byte) []float32 {
	t.Helper()
	p, err := NewPreparer(tf, false)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	sample := make([]float32, p.Len())
	if err := p.Prepare(t.Context(), sample, data); err != nil {
		t.Fatal(err)
	}
	if c, err := p.Cost(data); err != nil || c.Memory <= 0 {
		t.Errorf("cost %+v, %v", c, err)
	}
	return sample
}

// Damaged files have no orientation, and do no harm.
func FuzzExifOrientation(f *testing.F) {
	for _, data := range readZip(f, "testdata/exif.zip") {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) { exifOrientation(data); Taken(data) })
}
