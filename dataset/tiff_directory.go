package dataset

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Tags of TIFF 6.0.
const (
	tiffWidth         = 256
	tiffHeight        = 257
	tiffBits          = 258 // per sample
	tiffCompression   = 259
	tiffPhotometric   = 262
	tiffFillOrder     = 266 // 2: the lowest bit of a byte first
	tiffStripOffsets  = 273
	tiffOrientation   = 274 // as in EXIF
	tiffSamples       = 277 // per pixel
	tiffRowsPerStrip  = 278
	tiffPlanar        = 284 // 2: a plane per sample
	tiffColorMap      = 320
	tiffTileWidth     = 322
	tiffTileHeight    = 323
	tiffTileOffsets   = 324
	tiffExtraSamples  = 338
	tiffSampleFormat  = 339
	tiffWindowsPhoto  = 0xbc01
	tiffFileHeader    = 8
	tiffBigFileHeader = 16
)

var errTIFFShort = errors.New("tiff: the file is truncated")

// A tiffDirectory holds the whole numbers of a file's first directory, read as Pillow reads them: of two equal tags the
// first counts, tags need not be sorted, values of more bytes than the file has are ignored, and values that reach past
// the end of the file end the directory.
type tiffDirectory struct {
	order  binary.ByteOrder
	offset uint64 // of the directory
	tags   map[int][]uint64
}

// tiffInteger returns the size of a type whose values are whole numbers (short, long, signed ones, IFD, long8), or 0.
func tiffInteger(kind uint16) int {
	switch kind {
	case 3, 8:
		return 2
	case 4, 9, 13:
		return 4
	case 16:
		return 8
	}
	return 0
}

// tiffUnit returns the size of a value of any type that Pillow knows, or 0.
func tiffUnit(kind uint16) uint64 {
	if n := tiffInteger(kind); n > 0 {
		return uint64(n)
	}
	switch kind {
	case 1, 2, 6, 7:
		return 1
	case 11:
		return 4
	case 5, 10, 12:
		return 8
	}
	return 0
}

// readTIFFDirectory reads the header and the first directory.
func readTIFFDirectory(data []byte) (*tiffDirectory, error) {
	if len(data) < tiffFileHeader {
		return nil, errTIFFShort
	}
	d := &tiffDirectory{order: binary.LittleEndian, tags: map[int][]uint64{}}
	if data[0] == 'M' {
		d.order = binary.BigEndian
		if data[3] == 43 { // Pillow takes it for a directory of the old kind, and fails
			return nil, errors.New("tiff: a BigTIFF file in big-endian order, which Pillow does not read either: convert it to an ordinary TIFF or PNG file")
		}
	}
	big := data[2] == 43
	if big {
		if len(data) < tiffBigFileHeader {
			return nil, errTIFFShort
		}
		d.offset = d.order.Uint64(data[8:])
	} else {
		d.offset = uint64(d.order.Uint32(data[4:]))
	}
	if d.offset == 0 {
		return nil, errors.New("tiff: the file has no directory")
	}
	d.read(data, big)
	return d, nil
}

// read reads the entries up to the first incomplete one.
func (d *tiffDirectory) read(data []byte, big bool) {
	size := uint64(len(data))
	entry, field := uint64(12), uint64(4)
	var count uint64
	at := d.offset
	switch {
	case big && at+8 <= size && at+8 > at:
		count, at, entry, field = d.order.Uint64(data[at:]), at+8, 20, 8
	case !big && at+2 <= size:
		count, at = uint64(d.order.Uint16(data[at:])), at+2
	}
	var total uint64 // bytes of values outside the entries, at most the size of the file
	for ; count > 0 && at+entry <= size; count, at = count-1, at+entry {
		tag, kind := int(d.order.Uint16(data[at:])), d.order.Uint16(data[at+2:])
		n := d.number(data[at+4:], field)
		value := data[at+entry-field : at+entry]
		unit := tiffUnit(kind)
		if _, known := d.tags[tag]; known || unit == 0 || n == 0 {
			continue
		}
		length := min(n, 1<<32) * unit // large enough to exceed any file, and without overflow
		if length > field {
			offset := d.number(value, field)
			if offset > math.MaxInt64 {
				continue
			}
			if total += length; total > size {
				continue
			}
			if offset > size || length > size-offset {
				return
			}
			value = data[offset:]
		}
		d.tags[tag] = d.values(value[:length], kind)
	}
}

// number reads an unsigned number of four or eight bytes.
func (d *tiffDirectory) number(p []byte, size uint64) uint64 {
	if size == 8 {
		return d.order.Uint64(p)
	}
	return uint64(d.order.Uint32(p))
}

// values reads whole numbers. It returns none for other types.
func (d *tiffDirectory) values(p []byte, kind uint16) []uint64 {
	list := []uint64{}
	size := tiffInteger(kind)
	for ; size > 0 && len(p) >= size; p = p[size:] {
		switch size {
		case 2:
			list = append(list, uint64(d.order.Uint16(p)))
		case 4:
			list = append(list, uint64(d.order.Uint32(p)))
		case 8:
			list = append(list, d.order.Uint64(p))
		}
	}
	return list
}

// first returns a tag's first value, or otherwise if the directory lacks the tag.
func (d *tiffDirectory) first(tag, otherwise int) int {
	v, ok := d.tags[tag]
	switch {
	case !ok, tag == tiffPhotometric && len(v) > 1: // as in Pillow
		return otherwise
	case len(v) > 0 && v[0] <= math.MaxInt32:
		return int(v[0])
	}
	return -1
}

// list returns a tag's values, or otherwise if the directory lacks the tag.
func (d *tiffDirectory) list(tag int, otherwise ...int) []int {
	values, ok := d.tags[tag]
	if !ok {
		return otherwise
	}
	list := make([]int, 0, len(values))
	for _, v := range values {
		list = append(list, int(min(v, math.MaxInt64)))
	}
	return list
}

// size returns the width and height of the stored picture, before it is turned upright.
func (d *tiffDirectory) size() (w, h int, err error) {
	w, h = d.first(tiffWidth, 0), d.first(tiffHeight, 0)
	if err := checkSize(w, h); err != nil {
		return 0, 0, fmt.Errorf("tiff: %w", err)
	}
	return w, h, nil
}
