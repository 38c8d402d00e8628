// A decoder of JPEG files on libjpeg-turbo for Go: errors come back as return values, never as jumps, and
// no pointer to the caller's memory is kept from one call to the next.
#ifndef HYM_JPEG_DECODE_H
#define HYM_JPEG_DECODE_H

#include <stddef.h>
#include <stdint.h>

typedef struct hym_jpeg hym_jpeg;

// Results of a call.
enum {
  HYM_OK = 0,
  HYM_FAILED = 1,     // libjpeg's error; hym_jpeg_message says which
  HYM_TRUNCATED = 2,  // the data ends too early
  HYM_SCANS = 3,      // too many scans, for any picture or for one of this size
  HYM_REGION = 4,     // x or w lies between blocks
  HYM_STOPPED = 5,    // by the caller's flag
};

typedef struct {
  int32_t width, height;  // pixels
  int32_t components;
  int32_t block;      // width of the blocks between which rows can be cut, in pixels
  int32_t margin;     // pixels to decode more on either side: where chroma is interpolated, those at a cut
                      // lack a neighbour; 0 where no component has fewer samples than another
  int32_t multiscan;  // progressive, lossless, or components in scans of their own: rows cannot be cut
  int64_t memory;     // bytes that decoding takes beside the caller's: coefficients, and rows of samples
} hym_jpeg_info;

typedef struct {
  int32_t x, y, w, h;
} hym_jpeg_rect;

int hym_jpeg_is_version_3(void);  // whether the library that is loaded is of version 3 or later
const char *hym_jpeg_library(void);  // the path of the library that is loaded
hym_jpeg *hym_jpeg_new(void);
void hym_jpeg_free(hym_jpeg *d);

// Reads the header of data, up to the first scan.
int hym_jpeg_header(hym_jpeg *d, const uint8_t *data, size_t size, hym_jpeg_info *info);

// Decodes the pixels [x, x+w) x [y, y+h) to rows of R, G, B, 255 that are stride bytes apart. data must be
// the file whose header was read last. x and x+w must be multiples of the block, or the border. It reads at
// most max_scans scans, and stops soon after another thread sets *stopped to a nonzero value.
int hym_jpeg_region(hym_jpeg *d, const uint8_t *data, size_t size, hym_jpeg_rect region, uint8_t *dst,
                    size_t stride, int max_scans, const int32_t *stopped);

// The last error's message.
const char *hym_jpeg_message(const hym_jpeg *d);
// The first warning of the file that is open, and how many there were.
const char *hym_jpeg_warning(const hym_jpeg *d, long *count);

#endif
