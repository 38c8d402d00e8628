package dataset

import (
	"fmt"

	"hymenoptera/internal/jpeg"
)

// A Warning says why a picture that could be decoded is unusual.
type Warning struct {
	Path   string
	Reason string // the same text for all pictures with the same fault
}

// String names the picture and the reason.
func (w Warning) String() string { return fmt.Sprintf("%s %s", w.Path, w.Reason) }

const warnGrey16 = "has grey values of more than 8 bits: those above 255 turn white, as in Pillow; convert it to 8 bits"

const warnChanged = "has changed since this training read it first: another training will not give the same result"

// warnPixels returns the reason for a picture with so many pixels that Pillow warns about it.
func warnPixels() string {
	return fmt.Sprintf("has more than %d pixels: it may be a decompression bomb", jpeg.WarnPixels)
}

// warnings returns the warnings about the file of a picture of w×h pixels.
func warnings(data []byte, w, h int) (reasons []string) {
	if w*h > jpeg.WarnPixels {
		reasons = append(reasons, warnPixels())
	}
	if hasGrey16(data) {
		reasons = append(reasons, warnGrey16)
	}
	return reasons
}

// hasGrey16 reports whether a picture that can be decoded has single samples of more than eight bits.
func hasGrey16(data []byte) bool {
	switch format(data) {
	case formatPNG:
		p := &pngFile{data: data}
		return p.header() == nil && p.sampling.model == naked
	case formatTIFF:
		d, err := readTIFFDirectory(data)
		if err != nil {
			return false
		}
		t := tiffPicture{directory: d}
		return t.layout() == nil && t.sampling.model == naked
	case formatPNM:
		p := pnm{data: data[2:], kind: data[1]}
		return p.header() == nil && (p.kind == '2' || p.kind == '5') && p.max > 255
	}
	return false
}
