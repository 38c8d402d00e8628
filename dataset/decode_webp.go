package dataset

import (
	"bytes"
	"context"
	"fmt"
	"image"

	"golang.org/x/image/webp"

	"hymenoptera/transforms"
)

// decodeWebP decodes a WebP file that is not animated. Lossy ones are converted from YCbCr as libwebp does.
func decodeWebP(ctx context.Context, dst *transforms.Image, data []byte) error {
	cfg, err := webp.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("webp: %w", err)
	}
	if err := checkSize(cfg.Width, cfg.Height); err != nil {
		return fmt.Errorf("webp: %w", err)
	}
	m, err := webp.Decode(newStoppable(ctx, data))
	if err != nil {
		return fmt.Errorf("webp: %w (animated files are not supported)", err)
	}
	switch m := m.(type) {
	case *image.YCbCr:
		fancyYUV(dst, m)
	case *image.NYCbCrA:
		fancyYUV(dst, &m.YCbCr)
	default:
		return convert(dst, m)
	}
	return nil
}

// fancyYUV converts a 4:2:0 picture as libwebp's default ("fancy") upsampler does: the chroma of a pixel
// is the mean of the four nearest samples, weighted 9:3:3:1, and at the border, where two are missing, 3:1.
// (libwebp, src/dsp/upsampling.c: what matters for the bits is where it rounds.)
func fancyYUV(dst *transforms.Image, m *image.YCbCr) {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	dst.Reset(w, h)
	last := (h+1)/2 - 1 // the last row of chroma
	for y := range h {
		// The nearer row of chroma and the one on the other side of y.
		near := y / 2
		far := min(max(0, near-1+y%2*2), last)
		cb := [2][]byte{m.Cb[near*m.CStride:], m.Cb[far*m.CStride:]}
		cr := [2][]byte{m.Cr[near*m.CStride:], m.Cr[far*m.CStride:]}
		for x := range w {
			r, g, b := limitedRGB(int(m.Y[y*m.YStride+x]), chroma(cb[0], cb[1], x, w), chroma(cr[0], cr[1], x, w))
			dst.Set(x, y, r, g, b)
		}
	}
}

// chroma interpolates one plane at pixel x of w between its nearer and farther rows.
func chroma(near, far []byte, x, w int) int {
	n := x / 2
	o := n - 1 + x%2*2 // the column on the other side of x
	if o < 0 || o >= (w+1)/2 {
		return (3*int(near[n]) + int(far[n]) + 2) >> 2
	}
	nn, nf, fn, ff := int(near[n]), int(near[o]), int(far[n]), int(far[o])
	// The diagonal through the two samples at middle distance, then the mean with the nearest one.
	diagonal := (nn + nf + fn + ff + 8 + 2*(nf+fn)) >> 3
	return (diagonal + nn) >> 1
}

// limitedRGB converts a pixel of BT.601 with limited range in libwebp's fixed point (src/dsp/yuv.h).
func limitedRGB(y, u, v int) (r, g, b byte) {
	luma := y * 19077 >> 8
	return clampFix(luma + v*26149>>8 - 14234),
		clampFix(luma - u*6419>>8 - v*13320>>8 + 8708),
		clampFix(luma + u*33050>>8 - 17685)
}

// clampFix rounds a value with six bits after the point down to a byte.
func clampFix(v int) byte { return byte(min(max(v>>6, 0), 255)) }
