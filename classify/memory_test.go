package classify

import (
	"strings"
	"testing"

	"hymenoptera/transforms"
)

// A network for pictures of any size can be used if they fit into memory.
func TestMemory(t *testing.T) {
	for _, tt := range []struct {
		size, n int
		free    int64
		batch   int
		err     string
	}{
		{224, 32, 8e9, 32, ""},
		{224, 32, 300e6, 11, ""},
		{1024, 32, 8e9, 14, ""},
		{4096, 32, 8e9, 1, "its pictures are 4096×4096 pixels, for which the network takes about 4.3 GB: only 8.0 GB of memory are free"},
		{4096, 32, 16e9, 1, ""},
		{4096, 32, 0, 32, ""}, // unknown
	} {
		c := Card{Preprocessing: transforms.Eval(tt.size)}
		if got := c.maxBatch(tt.n, tt.free); got != tt.batch {
			t.Errorf("%d pixels, %d bytes free: batches of %d, want %d", tt.size, tt.free, got, tt.batch)
		}
		if err := c.checkMemory(tt.free); (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%d pixels, %d bytes free: got %v, want %q", tt.size, tt.free, err, tt.err)
		}
	}
}
