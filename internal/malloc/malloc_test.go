package malloc

import (
	"os"
	"strings"
	"testing"
)

// Where set-up found jemalloc, it is in use; elsewhere the system's malloc gives back all the same.
func TestVersion(t *testing.T) {
	_, err := os.Stat("cgo_jemalloc.go")
	if got := Version(); (err == nil) != strings.HasPrefix(got, "5.") {
		t.Errorf("jemalloc's version is %q, and set-up's file: %v", got, err)
	}
	GiveBack()
}
