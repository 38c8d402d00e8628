#include "decode.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tiffio.h>

struct hym_tiff {
  TIFF *tiff;
  const uint8_t *data;
  uint64_t size, at;
  hym_tiff_info info;
  TIFFRGBAImage rgba;
  int rgba_open;
  char message[256];
};

const char *hym_tiff_version(void) { return TIFFGetVersion(); }

static tmsize_t read_at(thandle_t h, void *buf, tmsize_t n) {
  struct hym_tiff *t = h;
  if (t->at > t->size || n < 0) return 0;
  if ((uint64_t)n > t->size - t->at) n = (tmsize_t)(t->size - t->at);
  memcpy(buf, t->data + t->at, (size_t)n);
  t->at += (uint64_t)n;
  return n;
}

static tmsize_t no_write(thandle_t h, void *buf, tmsize_t n) { return (void)h, (void)buf, (void)n, 0; }

static toff_t seek(thandle_t h, toff_t offset, int whence) {
  struct hym_tiff *t = h;
  t->at = offset + (whence == SEEK_CUR ? t->at : whence == SEEK_END ? t->size : 0);
  return t->at;
}

static int no_close(thandle_t h) { return (void)h, 0; }

static toff_t size_of(thandle_t h) { return ((struct hym_tiff *)h)->size; }

static int map(thandle_t h, void **base, toff_t *size) {
  struct hym_tiff *t = h;
  *base = (void *)t->data;
  *size = t->size;
  return 1;
}

static void no_unmap(thandle_t h, void *base, toff_t size) { (void)h, (void)base, (void)size; }

// libtiff's handlers are global. This one finds the reader by its handle.
static void keep_error(thandle_t h, const char *module, const char *format, va_list args) {
  struct hym_tiff *t = h;
  (void)module;
  if (t && !t->message[0]) vsnprintf(t->message, sizeof t->message, format, args);
}

static void fail(hym_tiff *t, const char *message) {
  if (!t->message[0]) snprintf(t->message, sizeof t->message, "%s", message);
}

hym_tiff *hym_tiff_open(const uint8_t *data, size_t size, uint64_t directory, hym_tiff_info *info) {
  hym_tiff *t = calloc(1, sizeof *t);
  if (!t) return NULL;
  t->data = data;
  t->size = size;
  TIFFSetErrorHandler(NULL);
  TIFFSetWarningHandler(NULL);
  TIFFSetWarningHandlerExt(NULL);
  TIFFSetErrorHandlerExt(keep_error);
  t->tiff = TIFFClientOpen("", "rC", t, read_at, no_write, seek, no_close, size_of, map, no_unmap);
  if (!t->tiff || !TIFFSetSubDirectory(t->tiff, directory)) {
    fail(t, "the directory cannot be read");
    return t;
  }
  t->message[0] = 0;  // drops messages about harmless errors
  hym_tiff_info *i = &t->info;
  TIFFGetField(t->tiff, TIFFTAG_IMAGEWIDTH, &i->width);
  TIFFGetField(t->tiff, TIFFTAG_IMAGELENGTH, &i->height);
  TIFFGetField(t->tiff, TIFFTAG_PHOTOMETRIC, &i->photometric);
  TIFFGetField(t->tiff, TIFFTAG_COMPRESSION, &i->compression);
  TIFFGetFieldDefaulted(t->tiff, TIFFTAG_PLANARCONFIG, &i->planar);
  i->bits = 8;
  TIFFGetFieldDefaulted(t->tiff, TIFFTAG_BITSPERSAMPLE, &i->bits);
  // JPEG in one plane comes out of libjpeg as RGB.
  if (i->photometric == PHOTOMETRIC_YCBCR && i->compression == COMPRESSION_JPEG && i->planar == PLANARCONFIG_CONTIG)
    TIFFSetField(t->tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
  i->tiled = TIFFIsTiled(t->tiff);
  if (i->tiled) {
    TIFFGetField(t->tiff, TIFFTAG_TILEWIDTH, &i->tile_width);
    TIFFGetField(t->tiff, TIFFTAG_TILELENGTH, &i->tile_height);
    i->block_size = TIFFTileSize(t->tiff);
    i->row_size = TIFFTileRowSize(t->tiff);
  } else {
    if (TIFFGetField(t->tiff, TIFFTAG_ROWSPERSTRIP, &i->rows_per_strip) != 1) i->rows_per_strip = UINT32_MAX;
    i->block_size = TIFFStripSize(t->tiff);
    i->row_size = TIFFScanlineSize(t->tiff);
  }
  if (t->message[0] == 0 && (i->block_size <= 0 || i->row_size <= 0)) fail(t, "strips or tiles of no size");
  *info = *i;
  return t;
}

int hym_tiff_block(hym_tiff *t, uint32_t x, uint32_t y, uint16_t plane, uint8_t *dst, size_t size) {
  tmsize_t n;
  if (t->info.tiled) {
    n = (tmsize_t)size < t->info.block_size ? -1 : TIFFReadTile(t->tiff, dst, x, y, 0, plane);
  } else {
    n = TIFFReadEncodedStrip(t->tiff, TIFFComputeStrip(t->tiff, y, plane), dst, (tmsize_t)size);
  }
  if (n == -1) fail(t, "a strip or tile cannot be decoded");
  return n != -1;
}

int hym_tiff_rgba(hym_tiff *t, uint32_t y, uint32_t rows, uint32_t *dst) {
  char message[1024] = "";
  if (!t->rgba_open) {
    if (!TIFFRGBAImageOK(t->tiff, message) || !TIFFRGBAImageBegin(&t->rgba, t->tiff, 0, message)) {
      fail(t, message);
      return 0;
    }
    t->rgba_open = 1;
    t->rgba.orientation = t->rgba.req_orientation = ORIENTATION_TOPLEFT;
    t->rgba.col_offset = 0;
  }
  t->rgba.row_offset = (int)y;
  if (TIFFRGBAImageGet(&t->rgba, dst, t->rgba.width, rows)) return 1;
  fail(t, "rows cannot be decoded");
  return 0;
}

const char *hym_tiff_message(const hym_tiff *t) { return t->message; }

void hym_tiff_close(hym_tiff *t) {
  if (!t) return;
  if (t->rgba_open) TIFFRGBAImageEnd(&t->rgba);
  if (t->tiff) TIFFClose(t->tiff);
  free(t);
}
