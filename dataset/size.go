package dataset

import (
	"bytes"
	"image"
	"image/png"

	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"

	"hymenoptera/internal/jpeg"
)

// Size returns the width and height that the header of a picture's file states, in pixels and before any
// orientation is applied, so that large pictures can be refused before they are decoded.
func Size(data []byte) (width, height int, err error) {
	var cfg image.Config
	switch format(data) {
	case formatJPEG:
		d, err := jpeg.NewDecoder()
		if err != nil {
			return 0, 0, err
		}
		defer d.Close()
		info, err := d.Header(data)
		return info.Width, info.Height, err
	case formatPNG:
		cfg, err = png.DecodeConfig(bytes.NewReader(data))
	case formatTIFF:
		cfg, err = tiff.DecodeConfig(bytes.NewReader(data))
	case formatWebP:
		cfg, err = webp.DecodeConfig(bytes.NewReader(data))
	case formatBMP:
		b, err := readBMP(data)
		if err != nil {
			return 0, 0, err
		}
		return b.width, b.height, nil
	case formatPNM:
		p := pnm{data: data[2:], kind: data[1]}
		err := p.header()
		return p.width, p.height, err
	default:
		return 0, 0, unknownFormat(data)
	}
	return cfg.Width, cfg.Height, err
}
