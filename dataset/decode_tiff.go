package dataset

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"hymenoptera/internal/tiff"
	"hymenoptera/transforms"
)

// decodeTIFF decodes the first picture of a TIFF file. Like Pillow it applies the orientation of TIFF files, though not that
// of any other format.
func decodeTIFF(ctx context.Context, dst *transforms.Image, data []byte) error {
	d, err := readTIFFDirectory(data)
	if err != nil {
		return err
	}
	t := tiffPicture{directory: d}
	if err := t.layout(); err != nil {
		return err
	}
	dst.Reset(t.width, t.height)
	t.sampling.blank(dst)
	if t.compression == tiffRaw {
		err = t.readRaw(ctx, dst, data)
	} else {
		err = t.readPacked(ctx, dst, data)
	}
	if err != nil {
		return err
	}
	orient(dst, d.first(tiffOrientation, 1))
	return nil
}

// Compressions with code of their own; 6 is the JPEG of TIFF 6.0, which was replaced by 7.
const (
	tiffRaw     = 1
	tiffOldJPEG = 6
	tiffJPEG    = 7
)

// tiffCompressions returns the numbers of the compressions that Pillow knows.
func tiffCompressions() []int {
	return []int{tiffRaw, 2, 3, 4, 5, tiffOldJPEG, tiffJPEG, 8, 32771, 32773, 32809, 32946, 34676, 34677, 34925, 50000, 50001}
}

// Photometric interpretations.
const (
	tiffWhiteIsZero = 0
	tiffBlackIsZero = 1
	tiffRGB         = 2
	tiffPalette     = 3
	tiffCMYK        = 5
	tiffYCbCr       = 6
	tiffLab         = 8
)

// Sample formats.
const (
	tiffUnsigned = 1
	tiffSigned   = 2
	tiffFloat    = 3
)

// A tiffPicture is the layout of a directory's picture, with Pillow's defaults for missing tags.
type tiffPicture struct {
	directory     *tiffDirectory
	width, height int
	compression   int
	photometric   int
	planes        bool  // a plane per sample
	bits          []int // of each sample
	extra         []int // the samples after the colours: 0 anything, 1 alpha that colours are multiplied by, 2 alpha
	sampling      sampling
}

// layout reads the tags. It accepts the combinations in Pillow's table OPEN_INFO.
func (t *tiffPicture) layout() (err error) {
	d := t.directory
	if _, ok := d.tags[tiffWindowsPhoto]; ok {
		return errors.New("tiff: a Windows Media Photo, which is not supported: convert it to JPEG or PNG")
	}
	if t.width, t.height, err = d.size(); err != nil {
		return err
	}
	t.compression = d.first(tiffCompression, tiffRaw)
	if !slices.Contains(tiffCompressions(), t.compression) {
		return fmt.Errorf("tiff: Compression %d is not supported", t.compression)
	}
	if t.photometric = d.first(tiffPhotometric, tiffWhiteIsZero); t.compression == tiffOldJPEG {
		t.photometric = tiffYCbCr
	}
	t.planes = d.first(tiffPlanar, 1) == tiff.PlanarSeparate
	if err := t.samples(); err != nil {
		return err
	}
	return t.choose()
}

// samples sets the number of samples per pixel and their numbers of bits.
func (t *tiffPicture) samples() error {
	d := t.directory
	t.bits, t.extra = d.list(tiffBits, 1), d.list(tiffExtraSamples)
	otherwise := 1
	if t.compression == tiffOldJPEG {
		otherwise = 3
	}
	n := d.first(tiffSamples, otherwise)
	if t.planes && len(t.extra) > 0 && slices.Max(t.extra) == 0 {
		// Extra planes without a meaning are left out.
		t.bits = t.bits[:max(0, len(t.bits)-len(t.extra))]
		n -= len(t.extra)
		t.extra = nil
	}
	const most = 6
	if n < 1 || n > most {
		return fmt.Errorf("tiff: SamplesPerPixel %d is not supported", n)
	}
	switch {
	case n < len(t.bits):
		t.bits = t.bits[:n]
	case n > len(t.bits) && len(t.bits) == 1:
		t.bits = slices.Repeat(t.bits, n)
	}
	if len(t.bits) != n {
		return fmt.Errorf("tiff: %d values of BitsPerSample for %d samples per pixel", len(t.bits), n)
	}
	return nil
}

// choose sets the sampling.
func (t *tiffPicture) choose() error {
	d := t.directory
	formats := slices.Compact(d.list(tiffSampleFormat, tiffUnsigned))
	fill := d.first(tiffFillOrder, 1)
	unsupported := fmt.Errorf("tiff: PhotometricInterpretation %d with BitsPerSample %v, ExtraSamples %v, SampleFormat %v and FillOrder %d is not supported",
		t.photometric, t.bits, t.extra, formats, fill)
	bits, n := t.bits[0], len(t.bits)
	if len(slices.Compact(slices.Clone(t.bits))) != 1 || len(formats) != 1 || fill != 1 && fill != 2 {
		return unsupported
	}
	format := formats[0]
	s := sampling{bits: bits, samples: n, big: d.order.String() == "BigEndian", reversed: fill == 2}
	small := slices.Contains([]int{1, 2, 4, 8}, bits)
	plain := format == tiffUnsigned && fill == 1
	ok := false
	switch t.photometric {
	case tiffWhiteIsZero, tiffBlackIsZero:
		black := t.photometric == tiffBlackIsZero
		switch {
		case n == 2:
			if ok = black && plain && bits == 8 && len(t.extra) == 1 && (t.extra[0] == 0 || t.extra[0] == 2); !ok && len(t.extra) == 1 && t.extra[0] == 1 {
				return errors.New("tiff: grey multiplied by alpha (ExtraSamples 1), which Pillow does not convert either: convert it to PNG")
			}
		case n != 1 || len(t.extra) > 0:
		case small:
			if ok = format == tiffUnsigned || format == tiffSigned && black && bits == 8 && fill == 1; !black {
				s.model = greyInverted
			}
		default:
			s.model, s.signed, s.float = naked, format == tiffSigned, format == tiffFloat
			switch bits {
			case 12:
				ok = black && plain && !s.big
			case 16:
				ok = black && (format == tiffUnsigned || s.signed && fill == 1) && (fill == 1 || !s.big) || plain && !s.big
			case 32:
				ok = fill == 1 && (s.float || black && (s.signed || plain && !s.big))
			}
		}
	case tiffRGB:
		s.model = colors
		s.multiply = len(t.extra) > 0 && t.extra[0] == 1
		ok = plain && t.colorsFit(3, bits) || format == tiffUnsigned && fill == 2 && bits == 8 && n == 3 && len(t.extra) == 0
	case tiffPalette:
		s.model = indexed
		ok = format == tiffUnsigned && small && n == 1 && len(t.extra) == 0 ||
			plain && bits == 8 && n == 2 && len(t.extra) == 1 && (t.extra[0] == 0 || t.extra[0] == 2)
		if ok {
			var err error
			if s.palette, err = t.palette(); err != nil {
				return err
			}
		}
	case tiffCMYK:
		s.model = inks
		ok = plain && (bits == 8 && len(t.extra) == n-4 && allZero(t.extra) || bits == 16 && n == 4 && len(t.extra) == 0)
	case tiffYCbCr:
		if s.model = luma; n == 1 {
			s.model = grey
		}
		ok = plain && bits == 8 && (n == 1 || n == 3) && len(t.extra) == 0
	case tiffLab:
		return errors.New("tiff: colours in CIE L*a*b* (PhotometricInterpretation 8) are not supported: convert it to RGB")
	}
	if !ok {
		return unsupported
	}
	t.sampling = s
	return nil
}

// colorsFit reports whether Pillow supports the samples after RGB.
func (t *tiffPicture) colorsFit(model, bits int) bool {
	n, extra := len(t.bits), t.extra
	switch {
	case bits == 8 && n == model || bits == 16 && n == model:
		return len(extra) == 0
	case n == model+1 && len(extra) == 0:
		return bits == 8 || bits == 16
	case n != model+len(extra) || len(extra) == 0 || !allZero(extra[1:]):
		return false
	case bits == 16:
		return n == model+1 && extra[0] <= 2
	}
	const corelDraw = 999 // Corel Draw 10's alpha
	return bits == 8 && (extra[0] <= 2 || n == model+1 && extra[0] == corelDraw)
}

func allZero(values []int) bool {
	return !slices.ContainsFunc(values, func(v int) bool { return v != 0 })
}

// palette reads the colours. Like Pillow it keeps only the upper eight of their 16 bits. Missing colours are black.
func (t *tiffPicture) palette() (*[256][3]byte, error) {
	values := t.directory.list(tiffColorMap)
	n := len(values) / 3
	if n == 0 || n > 256 {
		return nil, fmt.Errorf("tiff: a ColorMap of %d values", len(values))
	}
	p := new([256][3]byte)
	for i := range n {
		p[i] = [3]byte{byte(values[i] >> 8), byte(values[n+i] >> 8), byte(values[2*n+i] >> 8)}
	}
	return p, nil
}

// plane returns the sampling of one plane of a picture that has a plane per sample.
func (t *tiffPicture) plane() sampling {
	return sampling{model: grey, bits: t.sampling.bits, samples: 1, big: t.sampling.big}
}
