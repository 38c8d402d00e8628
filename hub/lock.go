package hub

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// lockPoll is how often a waiting process checks whether the other one is done. Waiting in flock could not be
// cancelled.
const lockPoll = 200 * time.Millisecond

// lock waits until no other process or goroutine works on path, and keeps others from it until unlock is called. The
// kernel releases the lock when the process ends. unlock removes the lock's file.
func lock(ctx context.Context, cfg Config, path string) (unlock func(), err error) {
	name := path + lockEnding
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return nil, fmt.Errorf("hub: %w", err)
	}
	for told := false; ; {
		f, err := os.OpenFile(name, os.O_RDONLY|os.O_CREATE|unix.O_NOFOLLOW, 0o666)
		if err != nil {
			return nil, fmt.Errorf("hub: %w", err)
		}
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil && isNamed(f, name) {
			return func() {
				os.Remove(name)
				f.Close()
			}, nil
		}
		f.Close()
		if err == nil || errors.Is(err, unix.EINTR) {
			continue // the other process has removed this file, or a signal interrupted flock
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("hub: lock %s: %w", name, err)
		}
		if !told {
			cfg.log("another process is fetching %s: waiting for it", path)
			told = true
		}
		if err := cfg.Sleep(ctx, lockPoll); err != nil {
			return nil, fmt.Errorf("hub: waiting for another process to fetch %s: %w", path, err)
		}
	}
}

// isNamed reports whether f is still the file with that name.
func isNamed(f *os.File, name string) bool {
	a, err := f.Stat()
	if err != nil {
		return false
	}
	b, err := os.Lstat(name)
	return err == nil && os.SameFile(a, b)
}
