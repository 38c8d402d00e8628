// Package webp decodes WebP files with libwebp to the pixels that Pillow's convert("RGB") gives: still ones and the
// first frame of animated ones.
//
// The library is Pillow's own (scripts/setup), so damaged files have Pillow's pixels too.
package webp

/*
#include <stdlib.h>
#include <string.h>
#include <webp/decode.h>
#include <webp/demux.h>

// Sets the canvas' size, as WebPAnimDecoder takes it.
static int hym_webp_size(const uint8_t *data, size_t size, int *width, int *height) {
  WebPData src = {data, size};
  WebPDemuxer *d = WebPDemux(&src);
  if (!d) return 0;
  *width = (int)WebPDemuxGetI(d, WEBP_FF_CANVAS_WIDTH);
  *height = (int)WebPDemuxGetI(d, WEBP_FF_CANVAS_HEIGHT);
  WebPDemuxDelete(d);
  return 1;
}

// Writes the first frame's rows of R, G, B, A to dst, stride bytes apart.
static int hym_webp_decode(const uint8_t *data, size_t size, int width, int height, uint8_t *dst, size_t stride) {
  WebPData src = {data, size};
  WebPAnimDecoder *d = WebPAnimDecoderNew(&src, NULL);
  if (!d) return 0;
  WebPAnimInfo info;
  uint8_t *frame;
  int timestamp;
  int ok = WebPAnimDecoderGetInfo(d, &info) && info.canvas_width == (uint32_t)width &&
           info.canvas_height == (uint32_t)height && WebPAnimDecoderGetNext(d, &frame, &timestamp);
  for (int y = 0; ok && y < height; y++) memcpy(dst + y * stride, frame + (size_t)y * width * 4, (size_t)width * 4);
  WebPAnimDecoderDelete(d);
  return ok;
}
*/
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"
)

var (
	errTruncated = errors.New("webp: the file is cut short")
	errDamaged   = errors.New("webp: the file is damaged")
)

// Version returns libwebp's version, as "1.6.0".
func Version() string {
	v := int(C.WebPGetDecoderVersion())
	return fmt.Sprintf("%d.%d.%d", v>>16&255, v>>8&255, v&255)
}

// Size returns the picture's size in pixels. If the file ends too early, the error says so.
func Size(data []byte) (width, height int, err error) {
	var w, h C.int
	ok := C.hym_webp_size(pointer(data), C.size_t(len(data)), &w, &h)
	runtime.KeepAlive(data)
	if ok == 0 {
		return 0, 0, failure(data)
	}
	return int(w), int(h), nil
}

// Decode writes the pixels of R, G, B and alpha to dst, in rows that are stride bytes apart. width and height must be
// what [Size] returned.
func Decode(dst []byte, stride int, data []byte, width, height int) error {
	if width <= 0 || height <= 0 || stride < 4*width || len(dst) < (height-1)*stride+4*width {
		panic(fmt.Sprintf("webp: %d×%d pixels to %d bytes in rows of %d", width, height, len(dst), stride))
	}
	ok := C.hym_webp_decode(pointer(data), C.size_t(len(data)), C.int(width), C.int(height), pointer(dst), C.size_t(stride))
	runtime.KeepAlive(data)
	runtime.KeepAlive(dst)
	if ok == 0 {
		return failure(data)
	}
	return nil
}

// failure returns the error for a cut file or for a damaged one. A RIFF file states its own length.
func failure(data []byte) error {
	if len(data) < 12 {
		return errTruncated
	}
	stated := uint64(data[4]) | uint64(data[5])<<8 | uint64(data[6])<<16 | uint64(data[7])<<24
	if uint64(len(data)) < stated+8 {
		return errTruncated
	}
	return errDamaged
}

func pointer(data []byte) *C.uint8_t { return (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(data))) }
