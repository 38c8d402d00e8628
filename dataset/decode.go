package dataset

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"hymenoptera/internal/jpeg"
	"hymenoptera/transforms"
)

// fileFormat is one of the formats that ImageFolder's suffixes stand for.
type fileFormat int

const (
	formatUnknown fileFormat = iota
	formatJPEG
	formatPNG
	formatBMP
	formatTIFF
	formatWebP
	formatPNM
)

// format tells a file's format by its first bytes, as Pillow does.
func format(data []byte) fileFormat {
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xd8\xff")):
		return formatJPEG
	case bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")):
		return formatPNG
	case bytes.HasPrefix(data, []byte("BM")):
		return formatBMP
	case bytes.HasPrefix(data, []byte("II*\x00")), bytes.HasPrefix(data, []byte("MM\x00*")):
		return formatTIFF
	case len(data) >= 12 && string(data[:4]) == "RIFF" && string(data[8:12]) == "WEBP":
		return formatWebP
	case len(data) >= 2 && data[0] == 'P' && data[1] >= '1' && data[1] <= '6':
		return formatPNM
	}
	return formatUnknown
}

// Decode sets dst to the pixels that Pillow's convert("RGB") gives for a file of any format that ImageFolder
// takes. The format is told by the content. Animated WebP, TIFF with JPEG or CMYK inside and lossless JPEG,
// which Pillow reads, are errors.
func Decode(dst *transforms.Image, data []byte) error {
	if format(data) != formatJPEG {
		return decode(context.Background(), dst, data)
	}
	d, err := jpeg.NewDecoder()
	if err != nil {
		return err
	}
	defer d.Close()
	info, err := d.Header(data)
	if err != nil {
		return err
	}
	return decodeRegion(context.Background(), dst, d, data, info.Bounds())
}

// decode is Decode for everything but JPEG. It stops soon when ctx is done.
func decode(ctx context.Context, dst *transforms.Image, data []byte) error {
	switch format(data) {
	case formatPNG:
		return decodePNG(ctx, dst, data)
	case formatBMP:
		return decodeBMP(dst, data)
	case formatTIFF:
		return decodeTIFF(ctx, dst, data)
	case formatWebP:
		return decodeWebP(ctx, dst, data)
	case formatPNM:
		return decodePNM(dst, data)
	}
	return unknownFormat(data)
}

// unknownFormat is the error for what is none of the formats.
func unknownFormat(data []byte) error {
	if len(data) == 0 {
		return errors.New("the file is empty")
	}
	return fmt.Errorf("not an image of a known format (JPEG, PNG, BMP, TIFF, WebP, PNM): it begins with % x", data[:min(8, len(data))])
}

// ErrTooManyPixels is the error for pictures that Pillow refuses as decompression bombs.
var ErrTooManyPixels = jpeg.ErrTooManyPixels

// ErrTooManyScans is the error for JPEG files whose scans would take too long.
var ErrTooManyScans = jpeg.ErrTooManyScans

// checkSize returns an error for sizes that Pillow refuses.
func checkSize(w, h int) error {
	if w <= 0 || h <= 0 {
		return fmt.Errorf("%d×%d pixels", w, h)
	}
	if w > jpeg.MaxPixels/h {
		return fmt.Errorf("%d×%d pixels: %w", w, h, ErrTooManyPixels)
	}
	return nil
}
