#include "jemalloc.h"

#include <malloc.h>
#include <stddef.h>

// Defined in programs that import package jemalloc, if set-up found jemalloc.
extern int (*const hym_mallctl)(const char *, void *, size_t *, void *, size_t) __attribute__((weak));

const char *hym_jemalloc_version(void) {
  const char *version = "";
  size_t size = sizeof version;
  if (&hym_mallctl) hym_mallctl("version", &version, &size, NULL, 0);
  return version;
}

void hym_malloc_give_back(void) {
  if (&hym_mallctl) {
    hym_mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
    hym_mallctl("arena.0.purge", NULL, NULL, NULL, 0);
  } else {
    malloc_trim(0);
  }
}
