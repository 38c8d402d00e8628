package dataset

import (
	"os"
	"slices"
	"testing"

	"hymenoptera/internal/mt19937"
	"hymenoptera/transforms"
)

// A preparer makes the same samples as the loader, whose batches equal PyTorch's.
func TestPreparerIsTheLoader(t *testing.T) {
	folder, err := NewImageFolder("../cmd/hymenoptera/testdata/insects/val")
	if err != nil {
		t.Fatal(err)
	}
	tf := transforms.Eval(64)
	for _, channelsLast := range []bool{false, true} {
		loader, err := NewLoader(folder, tf, LoaderConfig{BatchSize: 1, ChannelsLast: channelsLast})
		if err != nil {
			t.Fatal(err)
		}
		p, err := NewPreparer(tf, channelsLast)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		got := make([]float32, p.Len())
		epoch := loader.Epoch(t.Context(), mt19937.New(1))
		defer epoch.Close()
		for i, sample := range folder.Samples {
			b, err := epoch.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(sample.Path)
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Prepare(t.Context(), got, data); err != nil || !slices.Equal(got, b.Images) {
				t.Errorf("sample %d (channels last: %v): another sample than the loader's; error %v", i, channelsLast, err)
			}
			b.Release()
		}
		if err := p.Prepare(t.Context(), got, []byte("no picture")); err == nil {
			t.Error("what is no picture was prepared")
		}
	}
	if _, err := NewPreparer(transforms.Train(64), false); err == nil {
		t.Error("a random transform was accepted")
	}
}

// The size in the header is that of Pillow's picture, with its sides exchanged for some orientations.
func TestSizeIsPillows(t *testing.T) {
	for _, want := range goldens(t) {
		w, h, err := Size(readImage(t, want.File))
		if want.Error != "" {
			continue
		}
		if err != nil || !(w == want.Width && h == want.Height || w == want.Height && h == want.Width) {
			t.Errorf("%s: got %d×%d, %v, want %d×%d", want.File, w, h, err, want.Width, want.Height)
		}
	}
	for _, data := range []string{"", "no picture", "BM", "P6", "\xff\xd8\xff", "\x89PNG\r\n\x1a\n"} {
		if _, _, err := Size([]byte(data)); err == nil {
			t.Errorf("%q has a size", data)
		}
	}
}

// Unusual returns the reasons why a picture is unusual.
func TestUnusual(t *testing.T) {
	p, err := NewPreparer(transforms.Eval(32), false)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	files := readZip(t, "testdata/odd.zip")
	for _, tt := range []struct {
		name string
		data []byte
		want []string
	}{
		{"16-bit grey PNG", files["cases/19-grey16.png"], []string{warnGrey16}},
		{"signed TIFF", files["cases/05-signed16.tif"], []string{warnGrey16}},
		{"PGM of 10 bits", []byte("P2 2 1 1023\n0 1023"), []string{warnGrey16}},
		{"colour PNG", files["cases/03-no_iend.png"], nil},
		{"JPEG", readImage(t, "420.jpg"), nil},
	} {
		if err := p.Prepare(t.Context(), make([]float32, p.Len()), tt.data); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if got := p.Unusual(); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
