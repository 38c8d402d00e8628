#define _GNU_SOURCE // dladdr
#include "decode.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

int hym_jpeg_is_version_3(void) { return dlsym(RTLD_DEFAULT, "jpeg12_read_scanlines") != NULL; }

const char *hym_jpeg_library(void) {
  Dl_info info;
  return dladdr((void *)jpeg_std_error, &info) && info.dli_fname ? info.dli_fname : "";
}

enum { MAX_ROWS = 16 };  // rows per call of jpeg_read_scanlines

struct hym_jpeg {
  struct jpeg_decompress_struct cinfo;
  struct jpeg_error_mgr err;
  struct jpeg_source_mgr src;
  struct jpeg_progress_mgr progress;
  jmp_buf jump;
  int failed;  // HYM_FAILED, HYM_SCANS or HYM_STOPPED, set before each jump
  int max_scans;
  const int32_t *stopped;  // the caller's flag while a region is decoded, or NULL
  size_t used;  // bytes that the header took
  int lossless;
  char message[JMSG_LENGTH_MAX];
  char warning[JMSG_LENGTH_MAX];
};

static struct hym_jpeg *owner(j_common_ptr c) { return (struct hym_jpeg *)c->client_data; }

static void fail(j_common_ptr c) {
  struct hym_jpeg *d = owner(c);
  c->err->format_message(c, d->message);
  d->failed = HYM_FAILED;
  longjmp(d->jump, 1);
}

// Level -1 is a warning, 0 and more are traces.
static void emit(j_common_ptr c, int level) {
  if (level >= 0) return;
  if (c->err->num_warnings++ == 0) c->err->format_message(c, owner(c)->warning);
}

static void no_output(j_common_ptr c) { (void)c; }

// libjpeg calls progress for every row of blocks of every scan that it reads ahead, and for every call of
// jpeg_read_scanlines.
static void progress(j_common_ptr c) {
  struct hym_jpeg *d = owner(c);
  if (!c->is_decompressor) return;
  int result = HYM_OK;
  if (d->stopped && __atomic_load_n(d->stopped, __ATOMIC_RELAXED)) result = HYM_STOPPED;
  if (((j_decompress_ptr)c)->input_scan_number > d->max_scans) result = HYM_SCANS;
  if (result == HYM_OK) return;
  d->failed = result;
  longjmp(d->jump, 1);
}

static void src_begin(j_decompress_ptr c) { (void)c; }
// The whole file is in memory, so a request for more means that it is truncated. Suspending, as
// Pillow's source does, makes libjpeg report that; otherwise it would make up an end and decode
// grey.
static boolean src_fill(j_decompress_ptr c) {
  (void)c;
  return FALSE;
}
static void src_skip(j_decompress_ptr c, long n) {
  if (n <= 0) return;
  struct jpeg_source_mgr *s = c->src;
  size_t m = (size_t)n < s->bytes_in_buffer ? (size_t)n : s->bytes_in_buffer;
  s->next_input_byte += m;
  s->bytes_in_buffer -= m;
}
static void src_end(j_decompress_ptr c) { (void)c; }

// fresh resets the decoder, so that a damaged file does not use an earlier file's tables for its missing ones.
static void fresh(struct hym_jpeg *d) {
  jpeg_destroy_decompress(&d->cinfo); // harmless before the first creation: all is zero
  jpeg_create_decompress(&d->cinfo);
  d->cinfo.client_data = d;
  d->cinfo.src = &d->src;
  d->cinfo.progress = &d->progress;
  d->err.num_warnings = 0;
}

hym_jpeg *hym_jpeg_new(void) {
  hym_jpeg *d = calloc(1, sizeof *d);
  if (!d) return NULL;
  d->cinfo.err = jpeg_std_error(&d->err);
  d->cinfo.client_data = d;
  d->err.error_exit = fail;
  d->err.emit_message = emit;
  d->err.output_message = no_output;
  d->src.init_source = src_begin;
  d->src.fill_input_buffer = src_fill;
  d->src.skip_input_data = src_skip;
  d->src.resync_to_restart = jpeg_resync_to_restart;
  d->src.term_source = src_end;
  d->progress.progress_monitor = progress;
  return d;
}

void hym_jpeg_free(hym_jpeg *d) {
  if (!d) return;
  jpeg_destroy_decompress(&d->cinfo);
  free(d);
}

const char *hym_jpeg_message(const hym_jpeg *d) { return d->message; }

const char *hym_jpeg_warning(const hym_jpeg *d, long *count) {
  *count = d->err.num_warnings;
  return d->warning;
}

// close_input forgets the caller's memory.
static void close_input(hym_jpeg *d) {
  d->src.next_input_byte = NULL;
  d->src.bytes_in_buffer = 0;
  d->stopped = NULL;
}

// memory bounds what libjpeg allocates for the file whose header was read.
static int64_t memory(j_decompress_ptr c) {
  const int64_t least = 256 << 10;     // its own structures, tables and pools
  const int64_t samples = 3 * DCTSIZE;  // rows of samples per component and factor, before and after upsampling
  int64_t all = least + 4 * (int64_t)c->image_width;
  for (int i = 0; i < c->num_components; i++) {
    jpeg_component_info *p = &c->comp_info[i];
    all += samples * c->max_v_samp_factor * ((int64_t)c->image_width + DCTSIZE * c->max_h_samp_factor);
    if (!jpeg_has_multiple_scans(c)) continue;
    int64_t across = (p->width_in_blocks + p->h_samp_factor) * (int64_t)sizeof(JBLOCK);
    all += across * (p->height_in_blocks + p->v_samp_factor);
  }
  return all;
}

static int stop(hym_jpeg *d, int result) {
  jpeg_abort_decompress(&d->cinfo);
  close_input(d);
  return result;
}

// is_lossless reports whether the frame of a header is one of lossless JPEG. libjpeg-turbo 3 decodes those, but neither
// parts of them nor grey as colours.
static int is_lossless(const uint8_t *p, size_t n) {
  enum { SOF0 = 0xC0, SOF3 = 0xC3, DHT = 0xC4, JPG = 0xC8, DAC = 0xCC, SOF15 = 0xCF };
  size_t at = 2;
  while (at + 4 <= n) {
    if (p[at] != 0xFF || p[at + 1] == 0xFF || p[at + 1] <= 1 || (p[at + 1] >= JPEG_RST0 && p[at + 1] < JPEG_EOI)) {
      at++; // padding, or a marker without a length
      continue;
    }
    uint8_t m = p[at + 1];
    if (m >= SOF0 && m <= SOF15 && m != DHT && m != JPG && m != DAC) return m == SOF3;
    at += 2 + ((size_t)p[at + 2] << 8) + p[at + 3];
  }
  return 0;
}

int hym_jpeg_header(hym_jpeg *d, const uint8_t *data, size_t size, hym_jpeg_info *info) {
  struct jpeg_decompress_struct *c = &d->cinfo;
  if (setjmp(d->jump)) return stop(d, d->failed);
  fresh(d);
  d->src.next_input_byte = data;
  d->src.bytes_in_buffer = size;
  int got;
  do {
    got = jpeg_read_header(c, FALSE);
  } while (got == JPEG_HEADER_TABLES_ONLY);
  if (got == JPEG_SUSPENDED) return stop(d, HYM_TRUNCATED);

  memset(info, 0, sizeof *info);
  info->width = (int32_t)c->image_width;
  info->height = (int32_t)c->image_height;
  info->components = c->num_components;
  d->used = size - d->src.bytes_in_buffer;
  d->lossless = is_lossless(data, d->used);
  info->multiscan = jpeg_has_multiple_scans(c) || d->lossless;
  // Fixed by jpeg_crop_scanline: a single component's samples come in blocks of 8 whatever its factors are.
  info->block = DCTSIZE;
  for (int i = 0; i < c->num_components && c->num_components > 1; i++) {
    jpeg_component_info *p = &c->comp_info[i];
    if (DCTSIZE * p->h_samp_factor > info->block) info->block = DCTSIZE * p->h_samp_factor;
    if (p->h_samp_factor != c->comp_info[0].h_samp_factor || p->v_samp_factor != c->comp_info[0].v_samp_factor)
      info->margin = 1;
  }
  info->margin *= info->block;
  info->memory = memory(c);
  d->used = size - d->src.bytes_in_buffer;
  close_input(d);
  return HYM_OK;
}


// cmyk_row converts w pixels as Pillow does: the file holds the inverted inks of Adobe's programs.
static void cmyk_row(uint8_t *p, int w) {
  for (int i = 0; i < w; i++, p += 4) {
    int k = p[3];
    for (int j = 0; j < 3; j++) {
      int t = (255 - p[j]) * k + 128;
      int v = k - (((t >> 8) + t) >> 8);
      p[j] = (uint8_t)(v < 0 ? 0 : v);
    }
  }
}

// grey_row spreads w grey values over as many pixels.
static void grey_row(uint8_t *p, int w) {
  for (int i = w - 1; i >= 0; i--) p[4 * i] = p[4 * i + 1] = p[4 * i + 2] = p[i];
}

// complete reports whether the next marker, other than restarts, ends the image.
static int complete(j_decompress_ptr c) {
  if (c->unread_marker) return c->unread_marker == JPEG_EOI; // found, but not processed yet
  const uint8_t *p = c->src->next_input_byte;
  size_t n = c->src->bytes_in_buffer;
  while (n > 1) {
    const uint8_t *f = memchr(p, 0xFF, n - 1);
    if (!f) return 0;
    n -= (size_t)(f - p);
    p = f;
    while (n > 1 && p[1] == 0xFF) p++, n--;
    if (n < 2) return 0;
    uint8_t m = p[1];
    if (m == JPEG_EOI) return 1;
    if (m != 0 && (m < JPEG_RST0 || m > JPEG_RST0 + 7)) return 0;
    p += 2, n -= 2;
  }
  return 0;
}

// rest decodes the remaining rows only to find out whether they can be decoded.
static int rest(struct hym_jpeg *d, int w) {
  struct jpeg_decompress_struct *c = &d->cinfo;
  JSAMPARRAY row = c->mem->alloc_sarray((j_common_ptr)c, JPOOL_IMAGE, (JDIMENSION)w * 4, 1);
  while (c->output_scanline < c->output_height) {
    if (jpeg_read_scanlines(c, row, 1) != 1) return stop(d, HYM_TRUNCATED);
  }
  jpeg_finish_decompress(c);
  return stop(d, HYM_OK);
}

int hym_jpeg_region(hym_jpeg *d, const uint8_t *data, size_t size, hym_jpeg_rect region, uint8_t *dst,
                    size_t stride, int max_scans, const int32_t *stopped) {
  struct jpeg_decompress_struct *c = &d->cinfo;
  const int x = region.x, y = region.y, w = region.w, h = region.h;
  if (setjmp(d->jump)) return stop(d, d->failed);
  d->max_scans = max_scans;
  d->stopped = stopped;
  d->src.next_input_byte = data + d->used;
  d->src.bytes_in_buffer = size - d->used;
  int cmyk = c->num_components == 4;
  int grey = d->lossless && c->num_components == 1;
  c->out_color_space = cmyk ? JCS_CMYK : grey ? JCS_GRAYSCALE : JCS_EXT_RGBX;
  if (!jpeg_start_decompress(c)) return stop(d, HYM_TRUNCATED);

  // All scans of the file are read by now. Smoothing of incomplete ones looks beyond a cut, so these files are decoded from
  // the first row on and over the whole width.
  int multiscan = jpeg_has_multiple_scans(c) || d->lossless;
  JDIMENSION offset = (JDIMENSION)x, width = (JDIMENSION)w;
  if (width < c->output_width) {
    if (multiscan) return stop(d, HYM_REGION);
    jpeg_crop_scanline(c, &offset, &width);
    if (offset != (JDIMENSION)x || width != (JDIMENSION)w) return stop(d, HYM_REGION);
  }
  if (!multiscan && y > 0) jpeg_skip_scanlines(c, (JDIMENSION)y);
  while ((int)c->output_scanline < y + h) {
    int at = (int)c->output_scanline - y;
    JSAMPROW rows[MAX_ROWS] = {dst};  // rows above y are read one by one into the first row's place
    int n = at < 0 ? 1 : 0;
    for (; at >= 0 && n < MAX_ROWS && at + n < h; n++) rows[n] = dst + (size_t)(at + n) * stride;
    n = (int)jpeg_read_scanlines(c, rows, (JDIMENSION)n);
    if (n == 0) return stop(d, HYM_TRUNCATED);
    for (int i = 0; cmyk && i < n; i++) cmyk_row(rows[i], w);
    for (int i = 0; grey && i < n; i++) grey_row(rows[i], w);
  }
  if (multiscan || complete(c)) return stop(d, HYM_OK);
  // More follows than the rest of the scan and the end of the image: libjpeg must judge it.
  return rest(d, w);
}
