package main

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"os"
	"strings"
	"testing"
)

// manyScans returns a progressive JPEG with its last scan 3,000 times.
func manyScans(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("../../dataset/testdata/images/progressive-444.jpg")
	if err != nil {
		t.Fatal(err)
	}
	last := bytes.LastIndex(data, []byte{0xff, 0xda})
	last = bytes.LastIndex(data[:last], []byte{0xff, 0xc4}) // with its Huffman table
	scan := string(data[last : len(data)-2])
	return string(data[:last]) + strings.Repeat(scan, 3000) + "\xff\xd9"
}

// whitePNG returns a PNG with one bit per pixel. Without rows it has only the header of a picture of any size.
func whitePNG(t *testing.T, width, height int, rows bool) string {
	t.Helper()
	var b, pixels bytes.Buffer
	b.WriteString("\x89PNG\r\n\x1a\n")
	chunk := func(name string, data []byte) {
		binary.Write(&b, binary.BigEndian, uint32(len(data)))
		b.WriteString(name)
		b.Write(data)
		binary.Write(&b, binary.BigEndian, crc32.ChecksumIEEE(append([]byte(name), data...)))
	}
	chunk("IHDR", append(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(width)), uint32(height)), 1, 0, 0, 0, 0))
	if rows {
		z := zlib.NewWriter(&pixels)
		row := append([]byte{0}, bytes.Repeat([]byte{0xff}, (width+7)/8)...)
		for range height {
			z.Write(row)
		}
		try(t, z.Close())
	}
	chunk("IDAT", pixels.Bytes())
	chunk("IEND", nil)
	return b.String()
}
