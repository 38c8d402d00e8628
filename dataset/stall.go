package dataset

import (
	"fmt"
	"time"
)

// patience is how long a file system may take to open a file, or to read a mebibyte of it.
const patience = time.Minute

// within calls do on a goroutine of its own. It returns an error when limit has passed since the start and since do last
// called alive; the caller must not use memory of do after that. A system call that hangs cannot be ended, so the
// goroutine stays until it returns.
func within(limit time.Duration, do func(alive func()) (read, error)) (read, error) {
	type result struct {
		read
		err error
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	done := make(chan result, 1)
	go func() {
		r, err := do(func() { timer.Reset(limit) })
		done <- result{r, err}
	}()
	select {
	case r := <-done:
		return r.read, r.err
	case <-timer.C:
		return read{}, fmt.Errorf("its file system does not answer: waited %v", limit)
	}
}
