package dataset

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"hymenoptera/internal/tiff"
	"hymenoptera/transforms"
)

// A tiffBlock is a strip or a tile of pixels without compression.
type tiffBlock struct {
	x, y, w, h    int
	stride, plane int
	offset        int
}

// readRaw reads uncompressed pixels as Pillow's TiffImagePlugin does: blocks follow one another from left to right and from
// top to bottom, one plane after the other, and surplus blocks overwrite earlier ones.
func (t *tiffPicture) readRaw(ctx context.Context, dst *transforms.Image, data []byte) error {
	blocks, err := t.rawBlocks()
	if err != nil {
		return err
	}
	s := t.sampling
	if s.model == greyInverted && s.bits == 8 && s.reversed {
		return errors.New("tiff: uncompressed grey with FillOrder 2 where white is zero, which Pillow does not read either: convert it to PNG")
	}
	var joined *planeJoiner
	if t.planes {
		if s, err = t.rawPlane(); err != nil {
			return err
		}
		if len(t.bits) > 1 {
			joined = newPlaneJoiner(t)
		}
	}
	for _, b := range blocks {
		if err := ctx.Err(); err != nil {
			return err
		}
		if t.planes && b.plane >= len(t.bits) {
			return fmt.Errorf("tiff: more strips or tiles than %d planes have", len(t.bits))
		}
		if b.h <= 0 || b.w <= 0 {
			return errors.New("tiff: a strip or tile outside of the picture")
		}
		size := s.size(b.w)
		step := size
		if b.stride > 0 {
			if step = b.stride; step < size {
				return errors.New("tiff: tiles narrower than their rows")
			}
		}
		// The last row needs no padding after it.
		if end := (b.h-1)*step + size; b.offset < 0 || b.offset > len(data) || end > len(data)-b.offset {
			return errTIFFShort
		}
		src := data[b.offset:]
		for y := range b.h {
			if joined != nil {
				joined.put(b.plane, b.x, b.y+y, b.w, src[y*step:])
				continue
			}
			s.row(dst.Bytes()[8*dst.Stride*(b.y+y)+4*b.x:], src[y*step:], b.w)
		}
	}
	if joined != nil {
		joined.finish(dst)
	}
	return nil
}

// rawPlane returns the sampling of one uncompressed plane. Pillow uses a letter of its raw mode as the plane's mode, which
// ignores inverted grey, reversed bits and 16 bits.
func (t *tiffPicture) rawPlane() (sampling, error) {
	s := t.sampling
	known := s.samples <= 4 && (s.bits == 8 || s.bits == 1 && s.model != indexed)
	switch s.model {
	case greyInverted:
		s.model = grey
	case colors:
		known = known && !s.multiply
	case luma, naked:
		known = false
	case grey, indexed:
		known = known && s.samples == 1
	}
	if !known {
		return s, fmt.Errorf("tiff: uncompressed planes (PlanarConfiguration 2) of PhotometricInterpretation %d with BitsPerSample %v are not supported", t.photometric, t.bits)
	}
	s.reversed = false
	if s.samples > 1 {
		s = t.plane()
	}
	return s, nil
}

// rawBlocks lists the strips or tiles.
func (t *tiffPicture) rawBlocks() ([]tiffBlock, error) {
	d := t.directory
	offsets, w, h := d.list(tiffStripOffsets), t.width, d.first(tiffRowsPerStrip, t.height)
	if rows := d.tags[tiffRowsPerStrip]; len(rows) > 0 && rows[0] > math.MaxInt32 {
		h = math.MaxInt32 // 1<<32-1 is TIFF's default: all rows are one strip
	}
	if offsets == nil {
		offsets, w, h = d.list(tiffTileOffsets), d.first(tiffTileWidth, 0), d.first(tiffTileHeight, 0)
	}
	if len(offsets) == 0 {
		return nil, errors.New("tiff: no StripOffsets and no TileOffsets")
	}
	if w <= 0 || h <= 0 {
		return nil, fmt.Errorf("tiff: strips or tiles of %d×%d pixels", w, h)
	}
	if w == t.width && h == t.height && !t.planes {
		offsets = offsets[len(offsets)-1:]
	}
	depth := 0
	for _, b := range t.bits {
		depth += b
	}
	var blocks []tiffBlock
	var x, y, plane int
	for _, offset := range offsets {
		b := tiffBlock{x: x, y: y, w: min(w, t.width-x), h: min(h, t.height-y), plane: plane, offset: offset}
		if x+w > t.width {
			if b.stride = w * depth / 8; t.planes {
				b.stride = int(float64(w*depth) / 8 / float64(t.colors()+len(t.extra)))
			}
		}
		blocks = append(blocks, b)
		if x += w; x >= t.width {
			if x, y = 0, y+h; y >= t.height {
				y = 0
				plane++
			}
		}
	}
	slices.SortStableFunc(blocks, func(a, b tiffBlock) int { return a.offset - b.offset })
	// Of neighbours in the file with the same place in the picture, the last counts.
	last := blocks[:0]
	for i, b := range blocks {
		if i+1 < len(blocks) {
			next := blocks[i+1]
			if next.offset = b.offset; next == b {
				continue
			}
		}
		last = append(last, b)
	}
	return last, nil
}

// colors returns how many samples the photometric interpretation needs.
func (t *tiffPicture) colors() int {
	switch t.photometric {
	case tiffRGB, tiffYCbCr:
		return 3
	case tiffCMYK:
		return 4
	}
	return 1
}

// readPacked reads pixels that libtiff unpacks, block by block.
func (t *tiffPicture) readPacked(ctx context.Context, dst *transforms.Image, data []byte) error {
	r, err := tiff.Open(data, t.directory.offset)
	if err != nil {
		return err
	}
	defer r.Close()
	info := r.Info()
	if info.Width != t.width || info.Height != t.height {
		return fmt.Errorf("tiff: two sizes, %d×%d and %d×%d pixels", t.width, t.height, info.Width, info.Height)
	}
	if info.Photometric == tiff.PhotometricYCbCr && (info.Compression != tiff.CompressionJPEG || info.Planar == tiff.PlanarSeparate) {
		return t.readYCbCr(ctx, dst, r)
	}
	// libtiff returns samples in this machine's byte order, and bits with the highest first. Pillow nevertheless swaps signed
	// samples and floats of big-endian files.
	s := t.sampling
	s.reversed = false
	s.big = s.big && (s.signed || s.float)
	if s.model == luma { // libjpeg returns RGB
		s.model = colors
	}
	if info.Planar == tiff.PlanarSeparate && len(t.bits) > 1 {
		return t.readPlanes(ctx, dst, r)
	}
	return t.eachBlock(ctx, r, 0, s.size, func(x, y, w int, row []byte) {
		s.row(dst.Bytes()[8*dst.Stride*y+4*x:], row, w)
	})
}

// eachBlock decodes the strips or tiles of a plane and calls put for their rows. rowSize returns the bytes of a row of so
// many pixels as the caller reads it; if libtiff's rows have another size, the file is broken.
func (t *tiffPicture) eachBlock(ctx context.Context, r *tiff.Reader, plane int, rowSize func(int) int, put func(x, y, w int, row []byte)) error {
	info := r.Info()
	want := rowSize(info.BlockWidth)
	if info.BlockWidth <= 0 || info.BlockHeight <= 0 || want <= 0 ||
		info.BlockSize > want*info.BlockHeight || info.RowSize > info.BlockSize || info.RowSize < want {
		return errors.New("tiff: strips or tiles of another size than the samples take")
	}
	block := make([]byte, info.BlockSize)
	for y := 0; y < t.height; y += info.BlockHeight {
		for x := 0; x < t.width; x += info.BlockWidth {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := r.Block(block, x, y, plane); err != nil {
				return err
			}
			w := min(info.BlockWidth, t.width-x)
			for i := range min(info.BlockHeight, t.height-y) {
				if (i+1)*info.RowSize > len(block) {
					return errors.New("tiff: a strip or tile of too few rows")
				}
				put(x, y+i, w, block[i*info.RowSize:])
			}
		}
	}
	return nil
}

// readPlanes reads a picture that has a plane per sample.
func (t *tiffPicture) readPlanes(ctx context.Context, dst *transforms.Image, r *tiff.Reader) error {
	if bits := r.Info().Bits; bits != 8 && bits != 16 {
		return fmt.Errorf("tiff: planes of %d bits per sample are not supported", bits)
	}
	t.sampling.big = false
	joined := newPlaneJoiner(t)
	one := t.plane()
	for plane := range joined.planes {
		err := t.eachBlock(ctx, r, plane, one.size, func(x, y, w int, row []byte) { joined.put(plane, x, y, w, row) })
		if err != nil {
			return err
		}
	}
	// Like Pillow, libtiff takes a fourth sample without a meaning for alpha that colours are multiplied by.
	if t.sampling.model == colors && len(t.bits) > 3 && (len(t.extra) == 0 || t.extra[0] == 0) {
		t.sampling.multiply = true
	}
	joined.finish(dst)
	return nil
}

// readYCbCr reads pixels that libtiff converts to RGB, because their chroma may be subsampled.
func (t *tiffPicture) readYCbCr(ctx context.Context, dst *transforms.Image, r *tiff.Reader) error {
	rows := min(max(1, r.Info().BlockHeight), t.height)
	block := make([]byte, 4*t.width*rows)
	for y := 0; y < t.height; y += rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(rows, t.height-y)
		if err := r.RGBA(block, y, n); err != nil {
			return err
		}
		for i := range n {
			copy(dst.Bytes()[8*dst.Stride*(y+i):][:4*t.width], block[4*t.width*i:])
		}
	}
	return nil
}

// A planeJoiner joins planes of samples; every plane has eight bits per pixel.
type planeJoiner struct {
	t      *tiffPicture
	one    sampling
	planes [][]byte
	row    []byte
}

func newPlaneJoiner(t *tiffPicture) *planeJoiner {
	j := &planeJoiner{t: t, one: t.plane(), row: make([]byte, 4*t.width)}
	for range min(len(t.bits), 4) { // Pillow's pictures have at most four
		j.planes = append(j.planes, make([]byte, t.width*t.height))
	}
	return j
}

// put takes w samples of a row.
func (j *planeJoiner) put(plane, x, y, w int, row []byte) {
	j.one.row(j.row, row, w)
	for i := range w {
		j.planes[plane][y*j.t.width+x+i] = j.row[4*i]
	}
}

// finish converts all pixels.
func (j *planeJoiner) finish(dst *transforms.Image) {
	s := j.t.sampling
	s.bits, s.samples, s.reversed = 8, len(j.planes), false
	pixels := make([]byte, len(j.planes)*j.t.width)
	for y := range j.t.height {
		for x := range j.t.width {
			for i, p := range j.planes {
				pixels[x*len(j.planes)+i] = p[y*j.t.width+x]
			}
		}
		s.row(dst.Bytes()[8*dst.Stride*y:], pixels, j.t.width)
	}
}

// turns reports whether a picture with an EXIF orientation is not upright.
func turns(orientation int) bool { return orientation >= 2 && orientation <= 8 }

// orient turns a picture upright: orientation is EXIF's, 1 to 8; other values have no effect.
func orient(m *transforms.Image, orientation int) {
	if !turns(orientation) {
		return
	}
	src := m.Clone()
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
