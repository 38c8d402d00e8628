package main

// A background does one thing at a time beside a training. Its methods belong to one goroutine.
type background struct{ done chan struct{} }

// busy reports whether something is still being done.
func (b *background) busy() bool {
	select {
	case <-b.done:
		return false
	default:
		return b.done != nil
	}
}

// start waits for what is being done, and begins f.
func (b *background) start(f func()) {
	b.wait()
	done := make(chan struct{})
	b.done = done
	go func() {
		defer close(done)
		f()
	}()
}

// wait returns when nothing is being done.
func (b *background) wait() {
	if b.done != nil {
		<-b.done
	}
}
