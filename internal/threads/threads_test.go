package threads_test

import (
	"testing"

	"hymenoptera/internal/threads"
)

func TestReserve(t *testing.T) {
	if err := threads.Reserve(2, 1); err != nil {
		t.Error(err)
	}
}
