// A reader of TIFF files on libtiff for Go: errors come back as return values, and no pointer to the caller's memory is
// kept once the reader is closed.
#ifndef HYM_TIFF_DECODE_H
#define HYM_TIFF_DECODE_H

#include <stddef.h>
#include <stdint.h>

typedef struct hym_tiff hym_tiff;

typedef struct {
  uint32_t width, height;  // pixels
  uint16_t photometric, compression, planar, bits;
  int32_t tiled;
  uint32_t tile_width, tile_height, rows_per_strip;  // those of the kind that the file has
  int64_t block_size, row_size;                      // bytes of a decoded strip or tile, and of a row of it
} hym_tiff_info;

const char *hym_tiff_version(void);  // "LIBTIFF, Version 4.7.2\n…"

// Opens the directory at an offset of a file in memory, which must stay until hym_tiff_close. Returns NULL only if
// memory runs out; hym_tiff_message is empty if it succeeded.
hym_tiff *hym_tiff_open(const uint8_t *data, size_t size, uint64_t directory, hym_tiff_info *info);

// Reads one strip or tile into dst: the one with pixel (x, y) of a plane. Returns 0 if it cannot be read.
int hym_tiff_block(hym_tiff *t, uint32_t x, uint32_t y, uint16_t plane, uint8_t *dst, size_t size);

// Reads rows of R, G, B, A, converted by libtiff, from row y on. Returns 0 if they cannot be read.
int hym_tiff_rgba(hym_tiff *t, uint32_t y, uint32_t rows, uint32_t *dst);

const char *hym_tiff_message(const hym_tiff *t);  // the first error's, or ""
void hym_tiff_close(hym_tiff *t);

#endif
