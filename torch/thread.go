package torch

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Only one OS thread calls libtorch, which has state per process too.
var (
	threadOnce sync.Once
	jobs       = make(chan *job)
	threadID   atomic.Int64
)

type job struct {
	f    func(*Scope) error
	done chan struct{}

	finished bool // f returned or panicked; false after runtime.Goexit, as testing.T.FailNow calls
	panicked any
	err      error
}

// Do runs f on libtorch's thread and returns its error, or the error of the first operation in it that failed. The
// scope that f gets is closed when f ends. Do waits for its turn until ctx is done; once f runs, cancelling ctx has
// no effect unless f looks at it. Do nests: inside f it calls its function directly.
func Do(ctx context.Context, f func(*Scope) error) error {
	if onThread() {
		return run(f)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	threadOnce.Do(func() { go serve() })
	j := &job{f: f, done: make(chan struct{})}
	select {
	case jobs <- j:
	case <-ctx.Done():
		return ctx.Err()
	}
	<-j.done
	switch {
	case j.panicked != nil:
		panic(j.panicked)
	case !j.finished:
		runtime.Goexit()
	}
	return j.err
}

// serve is libtorch's thread. It never unlocks the OS thread: if a job calls runtime.Goexit, the OS thread ends, and a new
// one takes over.
func serve() {
	runtime.LockOSThread()
	threadID.Store(int64(unix.Gettid()))
	for j := range jobs {
		serveOne(j)
	}
}

func serveOne(j *job) {
	defer func() {
		j.panicked = recover()
		if !j.finished && j.panicked == nil {
			threadID.Store(0)
			go serve()
		}
		close(j.done)
	}()
	j.err = run(j.f)
	j.finished = true
}

// run calls f with a scope of its own and turns the panic of Fail into its error.
func run(f func(*Scope) error) (err error) {
	s := NewScope()
	defer s.Close()
	defer func() {
		switch p := recover().(type) {
		case nil:
		case failure:
			err = p.error
		default:
			panic(p)
		}
	}()
	return f(s)
}

func onThread() bool { return threadID.Load() == int64(unix.Gettid()) }
