package dataset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"runtime"
	"testing"

	"golang.org/x/image/tiff"

	"hymenoptera/internal/hostile"
	"hymenoptera/transforms"
)

// Cost is at least what Prepare allocates in all, garbage too, and at most a few times as much: for the fixtures of every
// format, and for large pictures in formats whose decoders make pictures of their own.
func TestCostBoundsWhatPrepareTakes(t *testing.T) {
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
				files[name] = hostile.PNG(1500, 1001, depth, kind, interlaced)
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
		cost, err := p.Cost(data)
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
		if err != nil || got > cost.Memory || got > 2<<20 && cost.Memory > 4*got {
			t.Errorf("%s: took %d bytes, want at most %d, and no less than a quarter; error %v", name, got, cost.Memory, err)
		}
	}
}

// Work counts the scans of a JPEG file, whatever its memory.
func TestWorkOfScans(t *testing.T) {
	p, err := NewPreparer(transforms.Eval(64), false)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	p.Bound(1000 * 1000)
	for _, tt := range []struct {
		data []byte
		want int64
	}{
		{hostile.JPEG(100, 100, 7), 70_000},
		{hostile.JPEG(1000, 1000, 400), 20_000_000}, // limited to 20 passes
		{readImage(t, "rgb.jpg"), 67 * 45},
	} {
		if got, err := p.Cost(tt.data); got.Work != tt.want || err != nil {
			t.Errorf("got %+v, %v, want %d", got, err, tt.want)
		}
	}
	if err := p.Prepare(t.Context(), make([]float32, p.Len()), hostile.JPEG(1000, 1000, 400)); !errors.Is(err, ErrTooManyScans) {
		t.Errorf("400 scans: got %v, want %v", err, ErrTooManyScans)
	}
	var large *SizeError
	if _, err := p.Cost(hostile.JPEG(1001, 1000, 1)); !errors.As(err, &large) {
		t.Errorf("1001×1000 pixels: got %v, want a *SizeError", err)
	}
}

// A preparer stops when its context has ended, except for WebP, which libwebp decodes in one call.
func TestPrepareStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var drawing bytes.Buffer
	if err := gif.Encode(&drawing, image.NewGray(image.Rect(0, 0, 10, 10)), nil); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"PNG": readImage(t, "rgb.png"), "TIFF": readImage(t, "rgb.tif"), "packed TIFF": readImage(t, "deflate.tif"), "GIF": drawing.Bytes(),
	} {
		p, err := NewPreparer(transforms.Eval(64), false)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		if err := p.Prepare(ctx, make([]float32, p.Len()), data); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want %v", name, err, context.Canceled)
		}
	}
}
