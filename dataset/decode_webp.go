package dataset

import (
	"fmt"

	"hymenoptera/internal/webp"
	"hymenoptera/transforms"
)

// decodeWebP decodes a WebP file. For an animated one it decodes the first frame.
func decodeWebP(dst *transforms.Image, data []byte) error {
	w, h, err := webp.Size(data)
	if err != nil {
		return err
	}
	if err := checkSize(w, h); err != nil {
		return fmt.Errorf("webp: %w", err)
	}
	dst.Reset(w, h)
	return webp.Decode(dst.Bytes(), 8*dst.Stride, data, w, h)
}
