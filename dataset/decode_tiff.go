package dataset

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"image"

	"golang.org/x/image/tiff"

	"hymenoptera/transforms"
)

// Tags of TIFF 6.0 that say how Pillow turns samples into colours.
const (
	tiffCompression  = 259 // 2 to 4: fax
	tiffPhotometric  = 262 // 0: white is zero
	tiffOrientation  = 274 // as in EXIF
	tiffExtraSamples = 338 // 1: colours are multiplied by alpha
)

// decodeTIFF decodes the first picture of a TIFF file. Pillow applies the orientation of TIFF files, though
// not that of any other format, and so does this.
func decodeTIFF(ctx context.Context, dst *transforms.Image, data []byte) error {
	cfg, err := tiff.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("tiff: %w", err)
	}
	if err := checkSize(cfg.Width, cfg.Height); err != nil {
		return fmt.Errorf("tiff: %w", err)
	}
	m, err := tiff.Decode(newStoppable(ctx, data))
	if err != nil {
		return fmt.Errorf("tiff: %w", err)
	}
	switch m := m.(type) {
	case *image.Gray:
		// A fax's white pixels are zeros in the file: black where zero is said to be black. Go's decoder has
		// them white always.
		if c := tiffTag(data, tiffCompression); c >= 2 && c <= 4 && tiffTag(data, tiffPhotometric) == 1 {
			invert(m.Pix)
		}
	case *image.RGBA:
		if tiffTag(data, tiffExtraSamples) == 1 {
			unmultiply(m)
		}
	case *image.Gray16:
		if tiffTag(data, tiffPhotometric) == 0 {
			invert(m.Pix) // Pillow leaves 16-bit grey as it is
		}
	case *image.RGBA64:
		if tiffTag(data, tiffExtraSamples) == 1 {
			return fmt.Errorf("tiff: 16-bit colours multiplied by alpha are not supported")
		}
	}
	if err := convert(dst, m); err != nil {
		return fmt.Errorf("tiff: %w", err)
	}
	orient(dst, tiffTag(data, tiffOrientation))
	return nil
}

func invert(pix []byte) {
	for i := range pix {
		pix[i] = ^pix[i]
	}
}

// tiffTag returns the first value of a tag of shorts in the first directory, or -1.
func tiffTag(data []byte, tag uint16) int {
	var order binary.ByteOrder = binary.LittleEndian
	if data[0] == 'M' {
		order = binary.BigEndian
	}
	at := uint64(order.Uint32(data[4:]))
	if at+2 > uint64(len(data)) {
		return -1
	}
	n := int(order.Uint16(data[at:]))
	for entry := data[at+2:]; n > 0 && len(entry) >= 12; n, entry = n-1, entry[12:] {
		if order.Uint16(entry) == tag {
			return int(order.Uint16(entry[8:]))
		}
	}
	return -1
}

// unmultiply divides the colours by alpha as Pillow does for the raw mode RGBa.
func unmultiply(m *image.RGBA) {
	for p := m.Pix; len(p) >= 4; p = p[4:] {
		a := int(p[3])
		for i := range 3 {
			if a == 0 {
				p[i] = 0
			} else {
				p[i] = byte(min(255, int(p[i])*255/a))
			}
		}
	}
}

// orient turns a picture upright: orientation is EXIF's, 1 to 8; others change nothing.
func orient(m *transforms.Image, orientation int) {
	if orientation < 2 || orientation > 8 {
		return
	}
	src := *m
	src.Pix = append([]uint64(nil), m.Pix...)
	w, h := src.Width, src.Height
	if orientation >= 5 {
		m.Reset(h, w)
	}
	for y := range m.Height {
		for x := range m.Width {
			sx, sy := x, y
			if orientation >= 5 {
				sx, sy = y, x
			}
			if mirror := orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8; mirror {
				sx = w - 1 - sx
			}
			if flip := orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7; flip {
				sy = h - 1 - sy
			}
			r, g, b := src.At(sx, sy)
			m.Set(x, y, r, g, b)
		}
	}
}
