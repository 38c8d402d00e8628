package dataset

import (
	"bytes"
	"compress/lzw"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"hymenoptera/transforms"
)

var errGIFShort = errors.New("gif: the file is truncated")

// A gifFile is the part of a GIF file before the pixels of its first frame. image/gif is not used because it drops
// transparent colours, and refuses frames without a palette or beyond the screen.
type gifFile struct {
	in            *bytes.Reader
	width, height int // of the screen, enlarged to hold the frame
	x, y, w, h    int // the frame's position and size
	interlaced    bool
	transparent   int // the transparent colour, or -1
	palette       [256][3]byte
}

// decodeGIF decodes the first frame of a GIF file. As in Pillow, the rest of the screen has the transparent colour, or
// colour 0 if there is none.
func decodeGIF(ctx context.Context, dst *transforms.Image, data []byte) error {
	g, err := readGIF(data)
	if err != nil {
		return err
	}
	size, err := g.in.ReadByte() // bits of the codes for pixels
	if err != nil {
		return errGIFShort
	}
	if size < 2 || size > 8 {
		return fmt.Errorf("gif: codes of %d bits", size)
	}
	dst.Reset(g.width, g.height)
	if g.w != g.width || g.h != g.height {
		background := g.palette[max(0, g.transparent)]
		dst.Fill(background[0], background[1], background[2])
	}
	codes := lzw.NewReader(&gifBlocks{in: g.in}, lzw.LSB, int(size))
	defer codes.Close()
	row := make([]byte, g.w)
	for i := range g.h {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := io.ReadFull(codes, row); err == io.EOF || err == io.ErrUnexpectedEOF {
			return errGIFShort
		} else if err != nil {
			return errors.New("gif: the compressed pixels are damaged")
		}
		for x, v := range row {
			c := g.palette[v]
			dst.Set(g.x+x, g.y+g.row(i), c[0], c[1], c[2])
		}
	}
	return nil
}

// row returns the position in the frame of row i of the file.
func (g *gifFile) row(i int) int {
	if !g.interlaced {
		return i
	}
	for _, pass := range [...]struct{ first, step int }{{0, 8}, {4, 8}, {2, 4}, {1, 2}} {
		rows := (g.h - pass.first + pass.step - 1) / pass.step
		if i < rows {
			return pass.first + i*pass.step
		}
		i -= max(0, rows)
	}
	return g.h - 1
}

// readGIF reads up to the first frame's pixels.
func readGIF(data []byte) (*gifFile, error) {
	const header = 13
	if len(data) < header {
		return nil, errGIFShort
	}
	le := binary.LittleEndian
	g := &gifFile{in: bytes.NewReader(data[header:]), transparent: -1}
	g.width, g.height = int(le.Uint16(data[6:])), int(le.Uint16(data[8:]))
	for i := range g.palette { // without a palette the values are grey
		g.palette[i] = triple(byte(i))
	}
	if err := g.readPalette(data[10]); err != nil {
		return nil, err
	}
	for {
		kind, err := g.in.ReadByte()
		switch {
		case err != nil || kind == ';':
			return nil, errors.New("gif: no picture in the file")
		case kind == '!':
			if err := g.extension(); err != nil {
				return nil, err
			}
		case kind == ',':
			var d [9]byte
			if _, err := io.ReadFull(g.in, d[:]); err != nil {
				return nil, errGIFShort
			}
			g.x, g.y, g.w, g.h = int(le.Uint16(d[:])), int(le.Uint16(d[2:])), int(le.Uint16(d[4:])), int(le.Uint16(d[6:]))
			g.width, g.height = max(g.width, g.x+g.w), max(g.height, g.y+g.h)
			g.interlaced = d[8]&0x40 != 0
			if err := checkSize(g.width, g.height); err != nil {
				return nil, fmt.Errorf("gif: %w", err)
			}
			if g.w == 0 || g.h == 0 {
				return nil, fmt.Errorf("gif: a frame of %d×%d pixels", g.w, g.h)
			}
			return g, g.readPalette(d[8])
		}
	}
}

// readPalette reads the palette that flags announce. Missing colours are black.
func (g *gifFile) readPalette(flags byte) error {
	if flags&0x80 == 0 {
		return nil
	}
	colors := make([]byte, 3<<(flags&7+1))
	if _, err := io.ReadFull(g.in, colors); err != nil {
		return errGIFShort
	}
	plain := true // grey values in order keep their values, beyond the palette too
	for i := range len(colors) / 3 {
		plain = plain && [3]byte(colors[3*i:]) == triple(byte(i))
	}
	for i := range g.palette {
		switch {
		case plain:
			g.palette[i] = triple(byte(i))
		case 3*i < len(colors):
			g.palette[i] = [3]byte(colors[3*i:])
		default:
			g.palette[i] = [3]byte{}
		}
	}
	return nil
}

// extension skips an extension, except for the transparent colour in it.
func (g *gifFile) extension() error {
	label, err := g.in.ReadByte()
	if err != nil {
		return errGIFShort
	}
	blocks := gifBlocks{in: g.in}
	const graphicControl = 0xf9
	var control [4]byte
	if label == graphicControl {
		if n, _ := io.ReadFull(&blocks, control[:]); n == len(control) && control[0]&1 != 0 {
			g.transparent = int(control[3])
		}
	}
	if _, err := io.Copy(io.Discard, &blocks); err != nil {
		return errGIFShort
	}
	return nil
}

// gifBlocks reads the data in a chain of blocks: each begins with its length, which is 0 in the last.
type gifBlocks struct {
	in   *bytes.Reader
	left int
	done bool
}

func (b *gifBlocks) ReadByte() (byte, error) {
	if b.done {
		return 0, io.EOF
	}
	if b.left == 0 {
		n, err := b.in.ReadByte()
		if b.left = int(n); err != nil || n == 0 {
			b.done = true
			return 0, io.EOF
		}
	}
	b.left--
	return b.in.ReadByte()
}

func (b *gifBlocks) Read(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		if p[n], err = b.ReadByte(); err == nil {
			n++
		}
	}
	return n, err
}
