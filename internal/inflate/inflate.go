// Package inflate decompresses zlib streams (RFC 1950) with zlib itself. From a damaged stream zlib returns everything
// before the damage, which Pillow uses; compress/zlib does not.
package inflate

/*
#cgo LDFLAGS: -lz
#include <stdlib.h>
#include <zlib.h>

static z_stream *hym_inflate_new(void) {
  z_stream *z = calloc(1, sizeof *z);
  if (z && inflateInit(z) != Z_OK) {
    free(z);
    return NULL;
  }
  return z;
}

// It advances in and out by the bytes that were read and written.
static int hym_inflate(z_stream *z, const unsigned char *in, unsigned *in_size, unsigned char *out, unsigned *out_size) {
  z->next_in = (unsigned char *)in;
  z->avail_in = *in_size;
  z->next_out = out;
  z->avail_out = *out_size;
  int result = inflate(z, Z_NO_FLUSH);
  *in_size = z->avail_in;
  *out_size = z->avail_out;
  z->next_in = z->next_out = NULL;
  return result;
}

static void hym_inflate_free(z_stream *z) {
  if (z) inflateEnd(z);
  free(z);
}
*/
import "C"

import (
	"errors"
	"runtime"
	"unsafe"
)

// ErrDamaged is the error for data that zlib cannot decompress.
var ErrDamaged = errors.New("the compressed data is damaged")

// A Reader holds the state of a stream. It must be closed.
type Reader struct{ z *C.z_stream }

// NewReader returns a reader at the beginning of a stream. It fails only if memory runs out.
func NewReader() (*Reader, error) {
	z := C.hym_inflate_new()
	if z == nil {
		return nil, errors.New("no memory to decompress")
	}
	return &Reader{z}, nil
}

// Read decompresses src into dst until either is used up. It returns how many bytes it took and wrote, and whether the
// stream has ended.
func (r *Reader) Read(dst, src []byte) (taken, written int, end bool, err error) {
	in, out := C.uint(len(src)), C.uint(len(dst))
	result := C.hym_inflate(r.z, pointer(src), &in, pointer(dst), &out)
	runtime.KeepAlive(src)
	runtime.KeepAlive(dst)
	if result < 0 {
		return 0, 0, false, ErrDamaged
	}
	return len(src) - int(in), len(dst) - int(out), result == C.Z_STREAM_END, nil
}

// Close frees the memory, which Go does not manage. It may be called more than once.
func (r *Reader) Close() {
	C.hym_inflate_free(r.z)
	r.z = nil
}

func pointer(p []byte) *C.uchar { return (*C.uchar)(unsafe.Pointer(unsafe.SliceData(p))) }
