// Package hostile makes small files of pictures that are expensive to decode, for tests and benchmarks.
package hostile

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
)

// PNG returns a file whose samples are all 0. depth and kind are IHDR's: kind 0 is grey, 2 RGB, 4 grey with alpha, and 6 RGB
// with alpha.
func PNG(width, height int, depth, kind byte, interlaced bool) []byte {
	header := binary.BigEndian.AppendUint32(nil, uint32(width))
	header = binary.BigEndian.AppendUint32(header, uint32(height))
	header = append(header, depth, kind, 0, 0, 0)
	bits := int(depth) * map[byte]int{0: 1, 2: 3, 4: 2, 6: 4}[kind]
	size := func(w, h int) int { // of a filter byte and the samples, row by row
		if w == 0 || h == 0 {
			return 0
		}
		return h * (1 + (w*bits+7)/8)
	}
	n := size(width, height)
	if interlaced {
		header[12], n = 1, 0
		for _, p := range [7][4]int{{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}} {
			n += size((width-p[0]+p[2]-1)/p[2], (height-p[1]+p[3]-1)/p[3])
		}
	}
	var pixels bytes.Buffer
	z := zlib.NewWriter(&pixels)
	for zeros := make([]byte, 1<<20); n > 0; n -= len(zeros) {
		z.Write(zeros[:min(n, len(zeros))])
	}
	z.Close()
	file := []byte("\x89PNG\r\n\x1a\n")
	for _, c := range []struct {
		name string
		data []byte
	}{{"IHDR", header}, {"IDAT", pixels.Bytes()}, {"IEND", nil}} {
		file = binary.BigEndian.AppendUint32(file, uint32(len(c.data)))
		body := append([]byte(c.name), c.data...)
		file = binary.BigEndian.AppendUint32(append(file, body...), crc32.ChecksumIEEE(body))
	}
	return file
}

// JPEG returns a progressive grey file with the given number of scans. All but the first are equal.
func JPEG(width, height, scans int) []byte {
	size := func(v int) (byte, byte) { return byte(v >> 8), byte(v) }
	h1, h0 := size(height)
	w1, w0 := size(width)
	file := []byte{0xff, 0xd8, 0xff, 0xdb, 0, 67, 0} // a table of 64 ones
	file = append(file, bytes.Repeat([]byte{1}, 64)...)
	file = append(file, 0xff, 0xc2, 0, 11, 8, h1, h0, w1, w0, 1, 1, 0x11, 0)
	// Each table has one code, of one bit: the same value again, and an end of block for 16384 blocks or more.
	const run = 14
	for class, symbol := range []byte{0, run << 4} {
		file = append(file, 0xff, 0xc4, 0, 20, byte(class<<4), 1)
		file = append(file, make([]byte, 15)...)
		file = append(file, symbol)
	}
	blocks := (width + 7) / 8 * ((height + 7) / 8)
	file = append(file, 0xff, 0xda, 0, 8, 1, 1, 0, 0, 0, 0)
	file = append(file, make([]byte, (blocks+7)/8)...)
	var ends []byte
	for bits, n := 0, blocks; n > 0; n -= 1 << run { // a code of 0 and 14 bits of 0
		for bits += 15; bits >= 8; bits -= 8 {
			ends = append(ends, 0)
		}
		if n <= 1<<run && bits > 0 {
			ends = append(ends, 0)
		}
	}
	for range scans - 1 {
		file = append(append(file, 0xff, 0xda, 0, 8, 1, 1, 0, 1, 63, 0), ends...)
	}
	return append(file, 0xff, 0xd9)
}
