package malloc

import "testing"

// A program that does not import package jemalloc has the system's malloc.
func TestVersion(t *testing.T) {
	if got := Version(); got != "" {
		t.Errorf("jemalloc %q is in use without package jemalloc", got)
	}
	GiveBack()
}
