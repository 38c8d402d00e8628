package serve

import (
	"os"

	"hymenoptera/internal/machine"
	"hymenoptera/internal/malloc"
)

// growth returns by how many bytes the process grows at most while f runs. known is false if the system does not report
// that; Linux does.
func growth(f func() error) (bytes int64, known bool, err error) {
	malloc.GiveBack()
	reset := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // the peak becomes the present memory
	before := machine.This().Own("VmRSS")
	if err := f(); err != nil {
		return 0, false, err
	}
	peak := machine.This().Own("VmHWM")
	return max(0, peak-before), before > 0 && peak > 0 && reset == nil, nil
}
