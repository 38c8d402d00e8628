package main

import "sync"

// A background does one thing at a time beside a training; of what it is given meanwhile, only the last. Its methods
// belong to one goroutine.
type background struct {
	done chan struct{} // closed when all is done; nil before anything was

	mu   sync.Mutex // of next, and of the end
	next func()
}

// start begins f, or puts it in the place of what was to come next.
func (b *background) start(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next = f
	if b.busy() {
		return
	}
	b.done = make(chan struct{})
	go func() {
		for f := b.take(); f != nil; f = b.take() {
			f()
		}
	}()
}

// take returns what comes next; or nil, when all is done.
func (b *background) take() func() {
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.next
	b.next = nil
	if f == nil {
		close(b.done)
	}
	return f
}

// busy reports whether something is still being done.
func (b *background) busy() bool {
	select {
	case <-b.done:
		return false
	default:
		return b.done != nil
	}
}

// wait returns when nothing is being done.
func (b *background) wait() {
	if b.done != nil {
		<-b.done
	}
}
