package dataset

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"

	"hymenoptera/transforms"
)

// Where IHDR, a PNG file's first chunk, has its bit depth and colour type.
const (
	pngDepth = 24
	pngColor = 25
	pngGrey  = 0 // the colour type
)

// decodePNG decodes a PNG file. Of an animated one it takes the still picture.
func decodePNG(ctx context.Context, dst *transforms.Image, data []byte) error {
	cfg, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("png: %w", err)
	}
	if err := checkSize(cfg.Width, cfg.Height); err != nil {
		return fmt.Errorf("png: %w", err)
	}
	m, err := png.Decode(newStoppable(ctx, data))
	if err != nil {
		return fmt.Errorf("png: %w", err)
	}
	if m, ok := m.(*image.NRGBA64); ok && data[pngDepth] == 16 && data[pngColor] == pngGrey {
		// Grey with a transparent value, which Go's decoder has widened to four samples.
		dst.Reset(cfg.Width, cfg.Height)
		for y := range cfg.Height {
			for x := range cfg.Width {
				p := m.Pix[y*m.Stride+8*x:]
				v := clip16(p[0], p[1])
				dst.Set(x, y, v, v, v)
			}
		}
		return nil
	}
	return convert(dst, m)
}
