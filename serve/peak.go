package serve

import (
	"bytes"
	"fmt"
	"os"

	"hymenoptera/internal/malloc"
)

// growth returns by how many bytes the process grows at most while f runs, and whether that can be told: Linux can.
func growth(f func() error) (bytes int64, known bool, err error) {
	malloc.GiveBack()
	reset := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // the peak becomes the present memory
	before, known := statusBytes("VmRSS:")
	if err := f(); err != nil {
		return 0, false, err
	}
	peak, ok := statusBytes("VmHWM:")
	return max(0, peak-before), known && ok && reset == nil, nil
}

// statusBytes returns a value of /proc/self/status that is in kB there.
func statusBytes(name string) (n int64, ok bool) {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, false
	}
	_, rest, found := bytes.Cut(data, []byte(name))
	if !found {
		return 0, false
	}
	_, err = fmt.Sscanf(string(rest[:min(64, len(rest))]), "%d kB", &n)
	return n * 1024, err == nil
}
