// Package jpeg decodes JPEG files with libjpeg-turbo to the pixels that Pillow's convert("RGB") gives.
//
//	d, err := jpeg.NewDecoder()
//	defer d.Close()
//	info, err := d.Header(data)
//	err = d.Decode(ctx, dst, stride, data, image.Rect(0, 0, info.Width, info.Height))
//
// The library is Pillow's own (scripts/setup), so damaged and incomplete files have Pillow's pixels too.
//
// It decodes only the requested region, to the same bytes as a crop of the whole picture. It ignores EXIF orientation
// and colour profiles.
package jpeg

/*
#include "decode.h"
*/
import "C"

import (
	"context"
	"errors"
	"fmt"
	"image"
	"runtime"
	"sync/atomic"
	"unsafe"
)

// Pillow's limits against decompression bombs, in pixels: it warns above WarnPixels and refuses to open what
// is above MaxPixels (Image.MAX_IMAGE_PIXELS and twice that).
const (
	WarnPixels = 89_478_485
	MaxPixels  = 2 * WarnPixels
)

// A progressive file comes in scans, each of which may pass over the whole picture, so that a small one can ask for
// much work. Encoders write 6 to 18 of them.
const (
	maxScans = 500            // of any picture
	maxWork  = 20 * MaxPixels // scans times pixels: the largest pictures may have 20 scans
)

// ErrTruncated is the error for data that ends before the picture does.
var ErrTruncated = errors.New("jpeg: the file is truncated")

// ErrTooManyPixels is the error for pictures of more than MaxPixels.
var ErrTooManyPixels = fmt.Errorf("more than %d may be a decompression bomb", MaxPixels)

// ErrTooManyScans is the error for files whose scans would take too long.
var ErrTooManyScans = errors.New("that may be a decompression bomb")

// Library returns the path of the libjpeg-turbo that is in use. It should be Pillow's, by its name.
func Library() string { return C.GoString(C.hym_jpeg_library()) }

// IsVersion3 reports whether that library is of version 3 or later. The library does not report its version, but earlier
// ones lack functions of version 3. They decode incomplete progressive files to other pixels.
func IsVersion3() bool { return C.hym_jpeg_is_version_3() != 0 }

// Info is the information in a file's header.
type Info struct {
	Width, Height int  // in pixels
	Components    int  // 1: grey; 3: colour; 4: CMYK or YCCK
	Subsampled    bool // some component has fewer samples than another
	MultiScan     bool // progressive, lossless, or components in scans of their own

	// Memory is how many bytes decoding takes at most, beside the file and the pixels.
	Memory int64
}

// A Decoder decodes one file after another in the same memory. It is not safe for concurrent use. Close frees its memory
// that Go does not manage.
type Decoder struct {
	// MaxWork bounds the scans of a file times its pixels.
	MaxWork int64

	c    *C.hym_jpeg
	info C.hym_jpeg_info
	open bool // a header was read
}

// NewDecoder returns a decoder. It fails only if memory runs out.
func NewDecoder() (*Decoder, error) {
	c := C.hym_jpeg_new()
	if c == nil {
		return nil, errors.New("jpeg: no memory for a decoder")
	}
	return &Decoder{MaxWork: maxWork, c: c}, nil
}

// Close frees the decoder. It may be called more than once.
func (d *Decoder) Close() {
	C.hym_jpeg_free(d.c)
	d.c, d.open = nil, false
}

// Header reads the header of a file, up to the first scan.
func (d *Decoder) Header(data []byte) (Info, error) {
	d.open = false
	if len(data) == 0 {
		return Info{}, ErrTruncated
	}
	rc := C.hym_jpeg_header(d.c, (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(data))), C.size_t(len(data)), &d.info)
	runtime.KeepAlive(data)
	if err := d.failure(rc); err != nil {
		return Info{}, err
	}
	info := Info{
		Width: int(d.info.width), Height: int(d.info.height), Components: int(d.info.components),
		Subsampled: d.info.margin != 0, MultiScan: d.info.multiscan != 0,
		Memory: int64(d.info.memory),
	}
	if n := info.Components; n != 1 && n != 3 && n != 4 {
		return info, fmt.Errorf("jpeg: %d colour components: want 1, 3 or 4", n)
	}
	if n := info.Width * info.Height; n > MaxPixels {
		return info, fmt.Errorf("jpeg: %d×%d pixels: %w", info.Width, info.Height, ErrTooManyPixels)
	}
	d.open = true
	return info, nil
}

// Cover returns the smallest rectangle around region that can be decoded without copying, for the file whose
// header was read last: its sides lie between whole blocks of the file. region must lie in the picture.
func (d *Decoder) Cover(region image.Rectangle) image.Rectangle {
	width := int(d.info.width)
	if d.info.multiscan != 0 {
		return image.Rect(0, region.Min.Y, width, region.Max.Y)
	}
	block, margin := int(d.info.block), int(d.info.margin)
	region.Min.X = max(0, region.Min.X-margin) / block * block
	region.Max.X = min(width, (region.Max.X+margin+block-1)/block*block)
	return region
}

// Decode decodes a region of the file whose header was read last: data must be that file, and region what
// [Decoder.Cover] returned. It writes pixels of R, G, B and an unspecified byte to dst, in rows that are
// stride bytes apart.
//
// As in Pillow, a damaged file that can be decoded is not an error (see [Decoder.Warning]); a file that ends too early is.
// Decode stops soon after ctx is done.
func (d *Decoder) Decode(ctx context.Context, dst []byte, stride int, data []byte, region image.Rectangle) error {
	if !d.open {
		panic("jpeg: Decode without Header")
	}
	d.open = false
	w, h := region.Dx(), region.Dy()
	whole := image.Rect(0, 0, int(d.info.width), int(d.info.height))
	if region.Empty() || !region.In(whole) || stride < 4*w || len(dst) < (h-1)*stride+4*w {
		panic(fmt.Sprintf("jpeg: region %v of %v to %d bytes in rows of %d", region, whole, len(dst), stride))
	}
	var stopped *C.int32_t
	if ctx.Done() != nil {
		flag := new(int32)
		defer context.AfterFunc(ctx, func() { atomic.StoreInt32(flag, 1) })()
		stopped = (*C.int32_t)(unsafe.Pointer(flag))
	}
	scans := min(maxScans, d.MaxWork/int64(whole.Dx()*whole.Dy()))
	rc := C.hym_jpeg_region(d.c, (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(data))), C.size_t(len(data)),
		C.hym_jpeg_rect{C.int32_t(region.Min.X), C.int32_t(region.Min.Y), C.int32_t(w), C.int32_t(h)},
		(*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(dst))), C.size_t(stride), C.int(scans), stopped)
	runtime.KeepAlive(data)
	runtime.KeepAlive(dst)
	switch rc {
	case C.HYM_STOPPED:
		return ctx.Err()
	case C.HYM_SCANS:
		return fmt.Errorf("jpeg: more than %d scans of %d×%d pixels: %w", scans, whole.Dx(), whole.Dy(), ErrTooManyScans)
	}
	return d.failure(rc)
}

// Warning returns the first of libjpeg's warnings about the file that was read last, and how many there
// were. Pillow ignores them.
func (d *Decoder) Warning() (first string, count int) {
	var n C.long
	s := C.hym_jpeg_warning(d.c, &n)
	if n == 0 {
		return "", 0
	}
	return C.GoString(s), int(n)
}

// failure turns a result of the C code into an error.
func (d *Decoder) failure(rc C.int) error {
	switch rc {
	case C.HYM_OK:
		return nil
	case C.HYM_TRUNCATED:
		return ErrTruncated
	case C.HYM_REGION:
		panic("jpeg: Decode of a region that Cover did not return")
	}
	return fmt.Errorf("jpeg: %s", C.GoString(C.hym_jpeg_message(d.c)))
}

// Bounds returns the rectangle of all pixels.
func (i Info) Bounds() image.Rectangle { return image.Rect(0, 0, i.Width, i.Height) }
