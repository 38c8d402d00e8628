package jemalloc_test

import (
	"os"
	"strings"
	"testing"

	"hymenoptera/internal/malloc"
	_ "hymenoptera/internal/malloc/jemalloc"
)

// The program uses jemalloc if set-up found it. GiveBack works with the system's malloc too.
func TestVersion(t *testing.T) {
	_, err := os.Stat("cgo_jemalloc.go")
	if got := malloc.Version(); (err == nil) != strings.HasPrefix(got, "5.") {
		t.Errorf("jemalloc's version is %q, and set-up's file: %v", got, err)
	}
	malloc.GiveBack()
}
