// Package malloc finds out which malloc the process uses, and makes it return memory to the system.
//
// glibc maps and unmaps every large tensor, page by page, which costs up to a fifth of a training's time. A program that
// imports [hymenoptera/internal/malloc/jemalloc] has jemalloc's malloc instead. Only main packages import that: a program
// that uses the packages of this module keeps its own malloc.
package malloc

// #include "jemalloc.h"
import "C"

import (
	"os"
	"runtime/debug"
)

// Version returns jemalloc's version, or "" if malloc is the system's.
func Version() string { return C.GoString(C.hym_jemalloc_version()) }

// GiveBack returns the free memory of Go and of malloc to the system.
func GiveBack() {
	debug.FreeOSMemory()
	C.hym_malloc_give_back()
}

// CollectOften makes Go collect garbage early, unless GOGC is set. By default garbage may grow to as much as is in use:
// hundreds of megabytes of weights and decoded images. These are few large blocks, so more collections cost almost nothing.
func CollectOften() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(25)
	}
}
