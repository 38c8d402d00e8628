package hub

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"hymenoptera/internal/regular"
)

// Fetch downloads f to path. If path already has f's hash, Fetch sends no request; it replaces a file with another
// hash. fetched reports whether it wrote path.
//
// If Fetch fails, path holds all of f or its old content. The next call resumes a download that was cut short, by
// ctx or otherwise.
func Fetch(ctx context.Context, cfg Config, f File, path string) (fetched bool, err error) {
	if err := cfg.validate(); err != nil {
		return false, err
	}
	u, err := f.parse(cfg)
	if err != nil {
		return false, err
	}
	there, err := f.lies(ctx, path)
	if err != nil {
		return false, err
	}
	if there {
		removeLeft(ctx, cfg, path, path+partialEnding, path+sourceEnding)
		return false, nil
	}
	unlock, err := lock(ctx, cfg, path)
	if err != nil {
		return false, err
	}
	defer unlock()
	there, err = f.lies(ctx, path) // another process may have fetched it meanwhile
	if there || err != nil {
		return false, err
	}
	if _, err := os.Lstat(path); err == nil {
		cfg.log("%s is not the published file: its size or its SHA-256 is another than %s; fetching it again", path, f.hash())
	}
	p, err := openPartial(path, u.Redacted())
	if err != nil {
		return false, fmt.Errorf("hub: %w", err)
	}
	defer p.close()
	d := &download{cfg: cfg, file: f, url: u, partial: p, deliver: p.commit}
	if err := d.run(ctx); err != nil {
		return false, err
	}
	return true, nil
}

// removeLeft removes the names beside a whole file that a killed process left. The lock's file is one of them. A name that
// cannot be removed does no harm.
func removeLeft(ctx context.Context, cfg Config, path string, names ...string) {
	left := func(name string) bool { _, err := os.Lstat(name); return err == nil }
	if !left(path+lockEnding) && !slices.ContainsFunc(names, left) {
		return
	}
	unlock, err := lock(ctx, cfg, path)
	if err != nil {
		return
	}
	for _, name := range names {
		os.RemoveAll(name)
	}
	unlock()
}

// lies reports whether path holds the whole file.
func (f File) lies(ctx context.Context, path string) (bool, error) {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("hub: %w", err)
	}
	if !info.Mode().IsRegular() {
		return false, fmt.Errorf("hub: %s is not a file", path)
	}
	if f.Size > 0 && info.Size() != f.Size {
		return false, nil
	}
	if f.SHA256 == "" {
		return true, nil
	}
	sum, err := regular.SHA256(ctx, path)
	if err != nil {
		return false, fmt.Errorf("hub: %w", err)
	}
	return strings.HasPrefix(sum, f.SHA256), nil
}

// hash returns the known part of the file's hash, for messages.
func (f File) hash() string {
	if f.Pinned() {
		return f.SHA256
	}
	return f.SHA256 + "…"
}

// A temporary error may not occur at the next request.
type temporary struct {
	error
	after time.Duration // how long the server asks to wait, or 0
}

func (t temporary) Unwrap() error { return t.error }

// A download is one call of Fetch that holds the lock.
type download struct {
	cfg      Config
	file     File
	url      *url.URL
	partial  *partial
	deliver  func() error // called with the whole file
	unframed bool         // the last answer ends with its connection
	begun    time.Time
	came     int64 // bytes in all answers so far
}

// run makes requests until the file is there.
func (d *download) run(ctx context.Context) error {
	d.begun = time.Now()
	client := &http.Client{Transport: d.cfg.Transport, CheckRedirect: d.cfg.checkRedirect}
	if client.Transport == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.DisableCompression = true // the hash is of the bytes as published
		defer t.CloseIdleConnections()
		client.Transport = t
	}
	if !d.partial.whole() {
		d.cfg.log("Downloading: %q to %s", d.url.Redacted(), d.partial.path)
		if n := d.partial.size; n > 0 {
			d.cfg.log("going on after the %s that are there", Bytes(n))
		}
	}
	wait := d.cfg.Backoff
	for attempt := 1; ; attempt++ {
		err := d.attempt(ctx, client)
		if err == nil {
			return nil
		}
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		var t temporary
		if !errors.As(err, &t) || attempt == d.cfg.Attempts || t.after > d.cfg.MaxBackoff {
			return d.failure(ctx, err, attempt)
		}
		pause := max(min(wait, d.cfg.MaxBackoff), t.after)
		wait *= 2
		d.cfg.log("%v; request %d of %d in %v", err, attempt+1, d.cfg.Attempts, pause)
		if err := d.cfg.Sleep(ctx, pause); err != nil {
			return d.failure(ctx, err, attempt)
		}
	}
}

// failure returns the error of the download, with advice.
func (d *download) failure(ctx context.Context, err error, attempts int) error {
	if d.partial.size > 0 && d.partial.from.Validator != "" {
		d.cfg.log("%s stay in %s: the next run goes on from there", Bytes(d.partial.size), d.partial.path+partialEnding)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("hub: %s: %w", d.url.Redacted(), context.Cause(ctx))
	}
	var t temporary
	if errors.As(err, &t) && attempts > 1 {
		err = fmt.Errorf("%w (after %d requests)", err, attempts)
	}
	return &DownloadError{URL: d.url.Redacted(), Path: d.partial.path, Err: err}
}

// A DownloadError says that a file could not be downloaded.
type DownloadError struct {
	URL  string
	Path string // where somebody can put the file
	Err  error
}

func (e *DownloadError) Error() string {
	return fmt.Sprintf("hub: %s: %v; if this goes on, fetch it elsewhere and put it at %s", e.URL, e.Err, e.Path)
}

func (e *DownloadError) Unwrap() error { return e.Err }

// Bytes formats a number of bytes, as in 44.7 MB. A MB has 1024 × 1024 bytes, as in torch.hub.
func Bytes(n int64) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d bytes", n)
	case n < 1<<20:
		return fmt.Sprintf("%.1f kB", float64(n)/(1<<10))
	case n < 1<<30:
		return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f GB", float64(n)/(1<<30))
}
