package serve

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

// readAll holds memory before it reads, and at most twice a body's size, for any size and pieces.
func TestReadAll(t *testing.T) {
	b := newBudget(100 << 20)
	for _, size := range []int{0, 1, 65535, 65536, 65537, 3_000_000} {
		want := bytes.Repeat([]byte{1, 2, 3}, size/3+1)[:size]
		for _, length := range []int64{-1, int64(size)} {
			held := &allowance{budget: b}
			got, err := readAll(iotest.HalfReader(bytes.NewReader(want)), length, held)
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%d bytes: got %d, %v", size, len(got), err)
			}
			if int64(cap(got)) > held.n || held.n > max(64<<10, 2*int64(size)+1) {
				t.Errorf("%d bytes of announced %d: %d are held for memory of %d", size, length, held.n, cap(got))
			}
			held.release()
		}
	}
	if got := b.held(); got != 0 {
		t.Errorf("%d bytes are held afterwards", got)
	}
}

// A client that holds as much as it may leaves room for others.
func TestBudgetLeavesRoomForOthers(t *testing.T) {
	b := newBudget(64 << 20)
	greedy, other := clientOf("192.0.2.1:1"), clientOf("192.0.2.2:1")
	for b.take(greedy, 1<<20) {
	}
	if err := (&allowance{budget: b, client: greedy}).take(1 << 20); !errors.Is(err, errBusy) {
		t.Errorf("the greedy client: got %v, want %v", err, errBusy)
	}
	held := &allowance{budget: b, client: other}
	if _, err := readAll(bytes.NewReader(make([]byte, 500_000)), 500_000, held); err != nil {
		t.Errorf("a photograph of another: %v", err)
	}
	held.release()
	if _, err := readAll(zeros{}, 1<<30, held); err == nil || errors.Is(err, io.EOF) {
		t.Error("a gigabyte was read into 16 MiB")
	}
	held.release()
	if !b.tryDecode(b.mostDecoding()) {
		t.Error("no room to decode, whatever bodies hold")
	}
	if b.tryDecode(b.most) {
		t.Error("room for more than there is")
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// A request that is too large even for the only client is not asked to try again.
func TestTooLargeForAnyTime(t *testing.T) {
	held := &allowance{budget: newBudget(4 << 20)}
	var f *failure
	if err := held.take(1 << 20); !errors.As(err, &f) || f.status != 413 {
		t.Errorf("got %v, want status 413", err)
	}
}

// A budget gives returned memory to the system when others need it, and not before.
func TestBudgetGivesBack(t *testing.T) {
	b, times := newBudget(100), 0
	b.giveBack = func() { times++ }
	for i := range 10 {
		if !b.tryDecode(40) {
			t.Fatal("no room")
		}
		b.decoded(40)
		if want := i / 2; times != want {
			t.Errorf("after %d: %d times, want %d", i, times, want)
		}
	}
}
