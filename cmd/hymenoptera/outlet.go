package main

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// lastWords is how long what is written after a signal may wait for its reader, all of it together.
const lastWords = time.Second

// page is how much a pipe takes that takes anything, in bytes.
const page = 4096

// An outlet is standard output or standard error. A pipe that nobody reads is full after a while, and a terminal may be
// stopped: an outlet then waits for the reader, but no longer than until gone is done. A write itself could not be given
// up, and would take a thread meanwhile, which the process may not be allowed to start. What each of several goroutines
// writes stays in one piece.
type outlet struct {
	*os.File
	fd   int32
	gone context.Context
	mu   sync.Mutex
}

// A serial is a writer that several goroutines may write to.
type serial struct {
	w  io.Writer
	mu sync.Mutex
}

func (s *serial) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(p)
}

// newOutlets returns outlets for those writers that are files, and serial writers for the others. The outlets give up a
// moment after ctx is done; done frees what they hold.
func newOutlets(ctx context.Context, stdout, stderr io.Writer) (out, err io.Writer, done func()) {
	gone, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(lastWords, cancel) })
	wrap := func(w io.Writer) io.Writer {
		if f, ok := w.(*os.File); ok {
			return &outlet{File: f, fd: int32(f.Fd()), gone: gone}
		}
		return &serial{w: w}
	}
	return wrap(stdout), wrap(stderr), func() { stop(); cancel() }
}

// Write writes p in pieces, each when there is room for it.
func (o *outlet) Write(p []byte) (n int, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for n < len(p) && err == nil {
		if err := o.wait(); err != nil {
			return n, err
		}
		var k int
		k, err = o.File.Write(p[n:min(len(p), n+page)])
		n += k
	}
	return n, err
}

// wait returns when a write of a page would not wait, or would fail.
func (o *outlet) wait() error {
	fds := []unix.PollFd{{Fd: o.fd, Events: unix.POLLOUT}}
	for {
		if n, err := unix.Poll(fds, 0); n > 0 || err != nil && !errors.Is(err, unix.EINTR) {
			return nil
		}
		if err := o.gone.Err(); err != nil {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
}
