// Package background runs functions while a training continues, and side by side.
package background

import "sync"

// A Runner runs one function at a time, in a goroutine that ends when nothing is left to do. If Start is called several
// times meanwhile, only the last function runs. Its methods must be called by one goroutine.
type Runner struct {
	done chan struct{} // closed when all is done; nil before the first function

	mu   sync.Mutex // guards next, and the closing of done
	next func()
}

// Start runs f beside the caller. While another function is running, f replaces the one that was to run next.
func (r *Runner) Start(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.next = f
	if r.Busy() {
		return
	}
	r.done = make(chan struct{})
	go func() {
		for f := r.take(); f != nil; f = r.take() {
			f()
		}
	}()
}

// take returns the next function, or nil when all is done.
func (r *Runner) take() func() {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.next
	r.next = nil
	if f == nil {
		close(r.done)
	}
	return f
}

// Busy reports whether a function is running or waits to run.
func (r *Runner) Busy() bool {
	select {
	case <-r.done:
		return false
	default:
		return r.done != nil
	}
}

// Wait returns when all is done.
func (r *Runner) Wait() {
	if r.done != nil {
		<-r.done
	}
}
