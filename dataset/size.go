package dataset

import (
	"hymenoptera/internal/jpeg"
	"hymenoptera/internal/webp"
)

// Size returns the width and height in the header of a picture's file, in pixels and before any orientation is
// applied, so that callers can refuse large pictures before they decode them.
func Size(data []byte) (width, height int, err error) {
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
		p := &pngFile{data: data}
		err := p.header()
		return p.width, p.height, err
	case formatTIFF:
		d, err := readTIFFDirectory(data)
		if err != nil {
			return 0, 0, err
		}
		return d.size()
	case formatWebP:
		return webp.Size(data)
	case formatGIF:
		g, err := readGIF(data)
		if err != nil {
			return 0, 0, err
		}
		return g.width, g.height, nil
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
	}
	return 0, 0, unknownFormat(data)
}
