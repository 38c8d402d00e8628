package serve

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

// Where slow clients hold the whole budget, an ordinary photograph is still taken in, and a large body is not.
func TestBudgetLeavesRoomForPhotographs(t *testing.T) {
	b := &budget{most: 16 << 20}
	b.held.Store(b.most)
	for _, tt := range []struct {
		size int
		want error
	}{{500_000, nil}, {5_000_000, errBusy}} {
		c := &counted{Reader: bytes.NewReader(make([]byte, tt.size)), budget: b}
		if _, err := io.ReadAll(c); !errors.Is(err, tt.want) {
			t.Errorf("%d bytes: got %v, want %v", tt.size, err, tt.want)
		}
		c.release()
	}
	if got := b.held.Load(); got != b.most {
		t.Errorf("%d bytes are held afterwards, want %d", got, b.most)
	}
}
