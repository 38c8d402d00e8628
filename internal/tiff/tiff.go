// Package tiff reads the strips and tiles of TIFF files with libtiff, which decompresses them. The caller interprets
// the samples.
//
// The library is Pillow's own (scripts/setup), so damaged files have Pillow's pixels too.
package tiff

/*
#include "decode.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"unsafe"
)

// Values of tags that the caller compares.
const (
	PhotometricYCbCr = 6
	CompressionJPEG  = 7
	PlanarSeparate   = 2
)

// Version returns libtiff's version, as "4.7.2".
func Version() string {
	_, version, _ := strings.Cut(C.GoString(C.hym_tiff_version()), "Version ")
	version, _, _ = strings.Cut(version, "\n")
	return version
}

// Info is libtiff's information about a directory.
type Info struct {
	Width, Height int // in pixels
	Photometric   int
	Compression   int
	Planar        int
	Bits          int  // per sample
	Tiled         bool // in tiles; else in strips
	BlockWidth    int  // of a tile, or of the picture
	BlockHeight   int  // of a tile, or of a strip
	BlockSize     int  // bytes of a decoded tile or strip
	RowSize       int  // bytes of a row of it
}

// A Reader reads one directory of a file. It must be closed, and is not safe for concurrent use.
type Reader struct {
	c    *C.hym_tiff
	info Info
	pin  runtime.Pinner // of the file, into which libtiff points
}

// Open opens the directory at an offset of a file, which must not change until Close.
func Open(data []byte, directory uint64) (*Reader, error) {
	r := new(Reader)
	r.pin.Pin(unsafe.SliceData(data))
	var info C.hym_tiff_info
	r.c = C.hym_tiff_open((*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(data))), C.size_t(len(data)), C.uint64_t(directory), &info)
	if r.c == nil {
		r.pin.Unpin()
		return nil, errors.New("tiff: no memory for a decoder")
	}
	if err := r.failure(); err != nil {
		r.Close()
		return nil, err
	}
	r.info = Info{
		Width: int(info.width), Height: int(info.height), Photometric: int(info.photometric),
		Compression: int(info.compression), Planar: int(info.planar), Bits: int(info.bits), Tiled: info.tiled != 0,
		BlockWidth: int(info.width), BlockHeight: int(info.rows_per_strip),
		BlockSize: int(info.block_size), RowSize: int(info.row_size),
	}
	if r.info.Tiled {
		r.info.BlockWidth, r.info.BlockHeight = int(info.tile_width), int(info.tile_height)
	}
	if r.info.BlockHeight == math.MaxUint32 {
		r.info.BlockHeight = r.info.Height
	}
	return r, nil
}

// Info returns the information in the directory.
func (r *Reader) Info() Info { return r.info }

// Block decodes the strip or tile with pixel (x, y) of a plane into dst, of at least Info().BlockSize bytes.
func (r *Reader) Block(dst []byte, x, y, plane int) error {
	if len(dst) < r.info.BlockSize {
		panic(fmt.Sprintf("tiff: a block of %d bytes to %d", r.info.BlockSize, len(dst)))
	}
	if C.hym_tiff_block(r.c, C.uint32_t(x), C.uint32_t(y), C.uint16_t(plane),
		(*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(dst))), C.size_t(r.info.BlockSize)) == 0 {
		return r.failure()
	}
	return nil
}

// RGBA decodes rows from y on, converted by libtiff, into dst: R, G, B, A, 4×Width bytes per row.
func (r *Reader) RGBA(dst []byte, y, rows int) error {
	if len(dst) < 4*r.info.Width*rows {
		panic(fmt.Sprintf("tiff: %d rows of %d pixels to %d bytes", rows, r.info.Width, len(dst)))
	}
	if C.hym_tiff_rgba(r.c, C.uint32_t(y), C.uint32_t(rows), (*C.uint32_t)(unsafe.Pointer(unsafe.SliceData(dst)))) == 0 {
		return r.failure()
	}
	return nil
}

// Close frees the reader. It may be called more than once.
func (r *Reader) Close() {
	C.hym_tiff_close(r.c)
	r.c = nil
	r.pin.Unpin()
}

// failure returns libtiff's first error.
func (r *Reader) failure() error {
	if text := C.GoString(C.hym_tiff_message(r.c)); text != "" {
		return fmt.Errorf("tiff: %s", text)
	}
	return nil
}
