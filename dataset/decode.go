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
	formatGIF
)

// format detects a file's format by its first bytes, as Pillow does.
func format(data []byte) fileFormat {
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xd8\xff")):
		return formatJPEG
	case bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")):
		return formatPNG
	case bytes.HasPrefix(data, []byte("BM")):
		return formatBMP
	case isTIFF(data):
		return formatTIFF
	case bytes.HasPrefix(data, []byte("GIF87a")), bytes.HasPrefix(data, []byte("GIF89a")):
		return formatGIF
	case len(data) >= 12 && string(data[:4]) == "RIFF" && string(data[8:12]) == "WEBP":
		return formatWebP
	case len(data) >= 2 && data[0] == 'P' && data[1] >= '1' && data[1] <= '6':
		return formatPNM
	}
	return formatUnknown
}

// isTIFF reports whether data begins like a TIFF file, in one of the ways that Pillow accepts: 42 or, for BigTIFF, 43 in
// either byte order.
func isTIFF(data []byte) bool {
	if len(data) < 4 || string(data[:2]) != "II" && string(data[:2]) != "MM" {
		return false
	}
	switch string(data[2:4]) {
	case "*\x00", "\x00*":
		return true
	case "+\x00":
		return data[0] == 'I'
	case "\x00+":
		return data[0] == 'M'
	}
	return false
}

// Decode sets dst to the pixels that Pillow's convert("RGB") gives for a file of any format that ImageFolder accepts,
// and for GIF. It detects the format by the content. docs/parity.md lists files that Pillow reads and Decode refuses.
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
		return decodeWebP(dst, data)
	case formatPNM:
		return decodePNM(dst, data)
	case formatGIF:
		return decodeGIF(ctx, dst, data)
	}
	return unknownFormat(data)
}

// unknownFormat returns the error for other formats. It names those that often have the suffix of a picture.
func unknownFormat(data []byte) error {
	const convert = "which is not supported: convert it to JPEG or PNG"
	switch {
	case len(data) == 0:
		return errors.New("the file is empty")
	case len(data) >= 12 && string(data[4:8]) == "ftyp":
		switch brand := string(data[8:12]); brand {
		case "avif", "avis":
			return errors.New("an AVIF file, " + convert)
		case "heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1":
			return errors.New("a HEIC or HEIF file, as iPhones write them, " + convert)
		default:
			return fmt.Errorf("an MPEG-4 container (%q), a film rather than a picture", brand)
		}
	case bytes.HasPrefix(data, []byte("\x00\x00\x00\x0cjP  ")), bytes.HasPrefix(data, []byte("\xff\x4f\xff\x51")):
		return errors.New("a JPEG 2000 file, " + convert)
	case bytes.HasPrefix(data, []byte("\x00\x00\x01\x00")):
		return errors.New("an ICO file, " + convert)
	case bytes.HasPrefix(data, []byte("\xff\x0a")), bytes.HasPrefix(data, []byte("\x00\x00\x00\x0cJXL ")):
		return errors.New("a JPEG XL file, " + convert)
	case bytes.HasPrefix(data, []byte("8BPS")):
		return errors.New("a Photoshop file, " + convert)
	case bytes.HasPrefix(data, []byte("%PDF")):
		return errors.New("a PDF file, " + convert)
	case isMarkup(data):
		return errors.New("text (HTML, XML or SVG) rather than a picture: perhaps a download that failed")
	}
	return fmt.Errorf("not an image of a known format (JPEG, PNG, BMP, TIFF, WebP, GIF, PNM): it begins with % x", data[:min(8, len(data))])
}

// isMarkup reports whether data begins like HTML, XML or SVG.
func isMarkup(data []byte) bool {
	text := bytes.ToLower(bytes.TrimLeft(data[:min(256, len(data))], " \t\r\n\ufeff"))
	for _, tag := range []string{"<!doctype", "<html", "<?xml", "<svg"} {
		if bytes.HasPrefix(text, []byte(tag)) {
			return true
		}
	}
	return false
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
