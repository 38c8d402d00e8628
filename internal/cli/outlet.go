package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// lastWords is how long writes may wait for their reader after a signal, in total.
const lastWords = time.Second

// page is the number of bytes that a writable pipe takes at least.
const page = 4096

// An outlet is standard output or standard error. If a pipe is full because nobody reads it, or a terminal is
// stopped, an outlet waits for the reader until gone is closed. A blocked write could not be cancelled, and would
// hold a thread, which the process may not be able to replace. Several goroutines may write; the bytes of each write
// stay together.
type outlet struct {
	*os.File
	fd   int32
	gone <-chan struct{}
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

// NewOutlets returns writers for stdout and stderr that several goroutines may use. If these are files, a write waits for
// a reader until a second after ctx is done, and then returns context.Canceled. Call done at the end.
func NewOutlets(ctx context.Context, stdout, stderr io.Writer) (out, err io.Writer, done func()) {
	gone, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(lastWords, cancel) })
	wrap := func(w io.Writer) io.Writer {
		if f, ok := w.(*os.File); ok {
			return &outlet{File: f, fd: int32(f.Fd()), gone: gone.Done()}
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

// wait returns when a write of a page would not block, or would fail.
func (o *outlet) wait() error {
	fds := []unix.PollFd{{Fd: o.fd, Events: unix.POLLOUT}}
	for {
		if n, err := unix.Poll(fds, 0); n > 0 || err != nil && !errors.Is(err, unix.EINTR) {
			return nil
		}
		select {
		case <-o.gone:
			return context.Canceled
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// An Output is standard output. It keeps the first error, so that a command need not check every write.
type Output struct {
	io.Writer
	Err error
}

func (o *Output) Write(p []byte) (n int, err error) {
	if o.Err == nil {
		n, o.Err = o.Writer.Write(p)
	}
	return n, o.Err
}
