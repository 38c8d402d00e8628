package dataset

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"hymenoptera/internal/inflate"
	"hymenoptera/transforms"
)

var errPNGShort = errors.New("png: the file is truncated")

const pngChecksum = 4 // bytes behind a chunk

// PNG's colour types.
const (
	pngGrey      = 0
	pngColors    = 2
	pngIndexed   = 3
	pngGreyAlpha = 4
	pngAlpha     = 6
)

// A pngFile is the part of a PNG file before its pixels. It is read as Pillow reads it: chunks up to the first with
// pixels must have correct checksums, and those of later chunks are ignored.
type pngFile struct {
	data          []byte
	at            int // position in data
	width, height int
	sampling      sampling
	interlaced    bool
	animated      bool
	pixels        int // where the first chunk of pixels begins, its length included
}

// decodePNG decodes a PNG file. For an animated one it decodes the still picture.
func decodePNG(ctx context.Context, dst *transforms.Image, data []byte) error {
	p := &pngFile{data: data}
	if err := p.header(); err != nil {
		return err
	}
	in := &pngPixels{data: data, at: p.pixels}
	if err := p.decode(ctx, dst, in); err != nil {
		return err
	}
	return p.rest(in.end())
}

// chunk returns the name and the length of the next chunk, and moves to its content.
func (p *pngFile) chunk() (name string, length int, err error) {
	if p.at+8 > len(p.data) {
		return "", 0, errPNGShort
	}
	head := p.data[p.at:]
	p.at += 8
	for _, c := range head[4:8] {
		if !(c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '_') {
			return "", 0, fmt.Errorf("png: a chunk is named %q", head[4:8])
		}
	}
	return string(head[4:8]), int(binary.BigEndian.Uint32(head)), nil
}

// header reads the chunks before the pixels.
func (p *pngFile) header() error {
	const magic = 8
	p.at = magic
	depth, color := -1, -1
	known := false
	var palette []byte
	for {
		begin := p.at
		name, length, err := p.chunk()
		if err != nil {
			return err
		}
		if name == "IDAT" {
			p.pixels = begin
			break
		}
		if name == "IEND" {
			return errors.New("png: no pixels")
		}
		if length > len(p.data)-p.at {
			return errPNGShort
		}
		body := p.data[p.at : p.at+length]
		if err := checkPNGChunk(name, body); err != nil {
			return err
		}
		switch name {
		case "IHDR":
			p.width, p.height = int(binary.BigEndian.Uint32(body)), int(binary.BigEndian.Uint32(body[4:]))
			if s, ok := pngSampling(int(body[8]), int(body[9])); ok {
				p.sampling, known = s, true
			}
			depth, color = int(body[8]), int(body[9])
			p.interlaced = p.interlaced || body[12] != 0
		case "acTL":
			p.animated = true
		case "PLTE":
			if known && p.sampling.model == indexed {
				palette = body
			}
		case "tRNS":
			// It must have the bytes that Pillow reads, though their value is dropped with alpha.
			if known && p.sampling.samples == 1 && p.sampling.model != indexed && length < 2 || known && p.sampling.model == colors && p.sampling.samples == 3 && length < 6 {
				return errors.New("png: the chunk tRNS is too short")
			}
		}
		p.at += length
		if p.at+4 > len(p.data) {
			return errPNGShort
		}
		if crc32.ChecksumIEEE(p.data[begin+4:p.at]) != binary.BigEndian.Uint32(p.data[p.at:]) {
			return fmt.Errorf("png: the checksum of chunk %s before the pixels is wrong", name)
		}
		p.at += 4
	}
	if !known {
		return fmt.Errorf("png: colour type %d with %d bits", color, depth)
	}
	if err := checkSize(p.width, p.height); err != nil {
		return fmt.Errorf("png: %w", err)
	}
	if p.sampling.model == indexed {
		if len(palette)/3 > 256 {
			return fmt.Errorf("png: a palette of %d colours", len(palette)/3)
		}
		// Missing colours are black.
		p.sampling.palette = new([256][3]byte)
		for i := range len(palette) / 3 {
			p.sampling.palette[i] = [3]byte(palette[3*i:])
		}
	}
	return nil
}

// pngSampling returns the meaning of the bits of a colour type.
func pngSampling(depth, color int) (sampling, bool) {
	s := sampling{bits: depth, samples: 1, big: true}
	small := depth == 1 || depth == 2 || depth == 4
	switch color {
	case pngGrey:
		if depth == 16 {
			s.model = naked
		}
		return s, small || depth == 8 || depth == 16
	case pngIndexed:
		s.model = indexed
		return s, small || depth == 8
	case pngColors:
		s.model, s.samples = colors, 3
	case pngGreyAlpha:
		s.samples = 2
	case pngAlpha:
		s.model, s.samples = colors, 4
	default:
		return s, false
	}
	return s, depth == 8 || depth == 16
}

// checkPNGChunk returns an error for a chunk that Pillow refuses anywhere in a file.
func checkPNGChunk(name string, body []byte) error {
	shortest := map[string]int{"IHDR": 13, "gAMA": 4, "cHRM": 32, "sRGB": 1, "pHYs": 9, "acTL": 8, "fcTL": 26}[name]
	if len(body) < shortest {
		return fmt.Errorf("png: the chunk %s has %d bytes: want %d", name, len(body), shortest)
	}
	switch name {
	case "IHDR":
		if body[11] != 0 {
			return fmt.Errorf("png: filter method %d", body[11])
		}
	case "iCCP", "zTXt":
		_, packed, found := bytes.Cut(body, []byte{0})
		if name == "iCCP" && (!found || len(packed) == 0) || len(packed) > 0 && packed[0] != 0 {
			return fmt.Errorf("png: the chunk %s has an unknown compression", name)
		}
	}
	return nil
}

// rest reads the chunks from at, after the pixels, as far as Pillow does. A chunk that is cut short is an error, and
// anything that is not a chunk ends the file.
func (p *pngFile) rest(at int) error {
	for p.at = at; ; {
		name, length, err := p.chunk()
		if err != nil || name == "IEND" || name == "fcTL" && p.animated {
			return nil
		}
		if length > len(p.data)-p.at {
			return errPNGShort
		}
		if err := checkPNGChunk(name, p.data[p.at:p.at+length]); err != nil {
			return err
		}
		p.at += length + 4
	}
}

// decode unpacks and unfilters the rows. If the compressed data ends regularly between two rows, the rest of the picture
// stays zero.
func (p *pngFile) decode(ctx context.Context, dst *transforms.Image, in *pngPixels) error {
	dst.Reset(p.width, p.height)
	p.sampling.blank(dst)
	rows, err := newPNGRows(in, &p.sampling, p.width)
	if err != nil {
		return err
	}
	defer rows.unpacked.Close()
	if !p.interlaced {
		for y := range p.height {
			row, err := rows.next(ctx, p.width)
			if row == nil {
				return err
			}
			p.sampling.row(dst.Bytes()[8*dst.Stride*y:], row, p.width)
		}
		return nil
	}
	// The seven passes: where each begins, and its steps.
	passes := [...]struct{ x, y, dx, dy int }{
		{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2},
	}
	pixels := make([]byte, 4*p.width)
	for _, pass := range passes {
		w := (p.width - pass.x + pass.dx - 1) / pass.dx
		if w <= 0 {
			continue
		}
		rows.restart()
		for y := pass.y; y < p.height; y += pass.dy {
			row, err := rows.next(ctx, w)
			if row == nil {
				return err
			}
			p.sampling.row(pixels, row, w)
			out := dst.Bytes()[8*dst.Stride*y:]
			for i := range w {
				copy(out[4*(pass.x+i*pass.dx):][:4], pixels[4*i:])
			}
		}
	}
	return nil
}

// pngRows unpacks rows and undoes their filters.
type pngRows struct {
	in       *pngPixels
	block    []byte // the rest of in
	unpacked *inflate.Reader
	ended    bool // the compressed data has ended
	sampling *sampling
	row      []byte // the filter's number, then the row
	previous []byte
}

func newPNGRows(in *pngPixels, s *sampling, width int) (*pngRows, error) {
	unpacked, err := inflate.NewReader()
	if err != nil {
		return nil, fmt.Errorf("png: %w", err)
	}
	return &pngRows{in: in, unpacked: unpacked, sampling: s, row: make([]byte, 1+s.size(width)), previous: make([]byte, 1+s.size(width))}, nil
}

// restart clears the row above.
func (r *pngRows) restart() { clear(r.previous) }

// next returns the bytes of a row of n pixels, or nil without an error if the data ended before it.
func (r *pngRows) next(ctx context.Context, n int) ([]byte, error) {
	if r.ended {
		return nil, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	size := r.sampling.size(n)
	row := r.row[:1+size]
	for have := 0; have < len(row); {
		if len(r.block) == 0 {
			if r.block = r.in.next(); len(r.block) == 0 {
				return nil, errPNGShort
			}
		}
		taken, written, end, err := r.unpacked.Read(row[have:], r.block)
		if err != nil {
			return nil, fmt.Errorf("png: %w", err)
		}
		have += written
		if r.block, r.ended = r.block[taken:], end; have < len(row) {
			r.block = nil // after the end of the data nothing completes the row
		}
	}
	if err := unfilter(row[0], row[1:], r.previous[1:1+size], max(1, r.sampling.bits*r.sampling.samples/8)); err != nil {
		return nil, err
	}
	r.row, r.previous = r.previous, r.row
	return r.previous[1 : 1+size], nil
}

// unfilter undoes a row's filter (PNG specification, 9.2). bpp is the number of bytes per pixel, at least 1.
func unfilter(filter byte, row, above []byte, bpp int) error {
	switch filter {
	case 0:
	case 1:
		for i := bpp; i < len(row); i++ {
			row[i] += row[i-bpp]
		}
	case 2:
		for i, v := range above {
			row[i] += v
		}
	case 3:
		for i := range row {
			left := 0
			if i >= bpp {
				left = int(row[i-bpp])
			}
			row[i] += byte((left + int(above[i])) / 2)
		}
	case 4:
		for i := range min(bpp, len(row)) {
			row[i] += above[i]
		}
		for i := bpp; i < len(row); i++ {
			row[i] += paeth(int(row[i-bpp]), int(above[i]), int(above[i-bpp]))
		}
	default:
		return fmt.Errorf("png: filter %d", filter)
	}
	return nil
}

// paeth returns the one of left, up and corner that is nearest to left+up-corner.
func paeth(left, up, corner int) byte {
	a, b, c := abs(up-corner), abs(left-corner), abs(left+up-2*corner)
	switch {
	case a <= b && a <= c:
		return byte(left)
	case b <= c:
		return byte(up)
	}
	return byte(corner)
}

func abs(v int) int { return max(v, -v) }

// pngPixels reads the contents of the IDAT chunks, one after the other. It ignores their checksums, as Pillow does.
type pngPixels struct {
	data []byte
	at   int // position of the next chunk's length, or in a chunk
	left int // bytes left in the chunk
}

// next returns the next bytes of the pixels, no more than Pillow reads at once, or nil at the end.
func (p *pngPixels) next() []byte {
	for p.left == 0 {
		next := pngFile{data: p.data, at: p.at}
		name, length, err := next.chunk()
		if err != nil || name != "IDAT" {
			return nil
		}
		p.at, p.left = next.at, min(length, len(p.data)-next.at)
		if p.left == 0 {
			p.at += pngChecksum
		}
	}
	const most = 64 << 10
	n := min(p.left, most)
	block := p.data[p.at : p.at+n]
	p.at += n
	if p.left -= n; p.left == 0 {
		p.at += pngChecksum
	}
	return block
}

// end returns the position of the next chunk.
func (p *pngPixels) end() int {
	if p.left == 0 {
		return p.at
	}
	return p.at + p.left + pngChecksum
}
