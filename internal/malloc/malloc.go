// Package malloc tells which malloc the process has, and makes it give memory back.
//
// A program that imports it and was built after make setup found jemalloc has jemalloc's malloc, libtorch's tensors included:
// importing is all it takes. glibc maps and unmaps every large tensor, page by page, which costs up to a fifth of a
// training's time. Package torch does not import it: a program of someone else's keeps its own malloc.
package malloc

// #include "jemalloc.h"
import "C"

import "runtime/debug"

// Version returns jemalloc's version, or "" where malloc is the system's.
func Version() string { return C.GoString(C.hym_jemalloc_version()) }

// GiveBack returns to the system what is free, of Go's memory and of malloc's.
func GiveBack() {
	debug.FreeOSMemory()
	C.hym_malloc_give_back()
}
