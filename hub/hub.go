// Package hub downloads published files, as torch.hub does. A file under its final name is complete and has the
// requested hash, whatever fails on the way.
//
//	dir, err := hub.CheckpointDir(os.Getenv) // ~/.cache/torch/hub/checkpoints, PyTorch's own
//	file := hub.File{URL: "https://download.pytorch.org/models/resnet18-f37072fd.pth", SHA256: "f37072fd"}
//	_, err = hub.Fetch(ctx, hub.DefaultConfig(), file, filepath.Join(dir, "resnet18-f37072fd.pth"))
//
// A file grows as NAME.partial beside its final name, and NAME.partial.json describes the file that it is part of; the
// next call, or the next process, resumes there. NAME.lock lets one process download while others wait. [FetchFolder]
// unpacks a zip, which it does not trust, into a folder.
//
// Package zoo has the table of published weights.
package hub

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// A File is a published file.
type File struct {
	URL string
	// SHA256 is its hash in hex, lower case. It may be only the first 8 or more digits: these reveal damage on the way,
	// but a forged file can match 8 digits after minutes of computing. "" is for files whose hash is not published.
	SHA256 string
	Size   int64 // in bytes; 0 if unknown
}

// Pinned reports whether the whole hash is known, so that no other file is accepted as f, wherever it comes from.
func (f File) Pinned() bool { return len(f.SHA256) == sha256.Size*2 }

// A Config says how to download. Begin with DefaultConfig.
type Config struct {
	Transport http.RoundTripper // nil: the usual one, with the proxies of the environment

	// Mirror is an address that replaces the scheme and host of a file's own; "" for none. If it is not an address,
	// Fetch fails with a [*MirrorError].
	Mirror string
	// AllowHTTP allows addresses that begin with http:// for every file. Without it they are allowed only for pinned
	// files, and on this machine: localhost and the loopback addresses.
	AllowHTTP bool

	MaxBytes int64         // a larger file is refused
	Attempts int           // the most requests, 1 or more
	Stall    time.Duration // the connection is closed after this time without a byte
	// A download may take Timeout, not counting the wait for another process, and a second more for every MinRate
	// bytes that arrive. So a large file has enough time, but no download takes forever.
	Timeout    time.Duration
	MinRate    int64
	Backoff    time.Duration // before the second request; it doubles with each one
	MaxBackoff time.Duration // up to this; if a server asks for a longer wait, the download fails

	Now   func() time.Time
	Sleep func(ctx context.Context, d time.Duration) error // returns early, with ctx's error, when ctx ends

	Progress func(done, total int64) // bytes on disk so far and in total, or -1; may be nil
	Log      func(line string)       // messages for people; may be nil
}

// DefaultConfig returns settings for files of up to 4 GiB.
func DefaultConfig() Config {
	return Config{
		MaxBytes: 4 << 30, Attempts: 6, Stall: 30 * time.Second, Timeout: 10 * time.Minute, MinRate: 8 << 10,
		Backoff: time.Second, MaxBackoff: time.Minute,
		Now: time.Now, Sleep: sleep,
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

func (c Config) validate() error {
	switch {
	case c.MaxBytes < 1, c.Attempts < 1, c.Timeout <= 0, c.MinRate < 1, c.Stall <= 0, c.Backoff < 0, c.MaxBackoff < 0, c.Now == nil, c.Sleep == nil:
		return errors.New("hub: a Config has a field that is zero or negative: begin with DefaultConfig")
	}
	return nil
}

func (c Config) log(format string, args ...any) {
	if c.Log != nil {
		c.Log(fmt.Sprintf(format, args...))
	}
}

func (c Config) progress(done, total int64) {
	if c.Progress != nil {
		c.Progress(done, total)
	}
}

var hexDigits = regexp.MustCompile(`^([0-9a-f]{8,64})?$`)

// A MirrorError says that Config.Mirror is not an address.
type MirrorError struct{ Mirror string }

func (e *MirrorError) Error() string {
	return fmt.Sprintf("hub: mirror %q: a mirror is an address such as https://mirror.example.org/pytorch", e.Mirror)
}

// parse checks f and returns its address, or that of its copy on a mirror.
func (f File) parse(cfg Config) (*url.URL, error) {
	u, err := url.Parse(f.URL)
	if err != nil {
		return nil, fmt.Errorf("hub: %w", err)
	}
	if cfg.Mirror != "" {
		m, err := url.Parse(cfg.Mirror)
		if err != nil || m.Host == "" || m.Scheme != "http" && m.Scheme != "https" || m.RawQuery != "" || m.Fragment != "" {
			return nil, &MirrorError{cfg.Mirror}
		}
		u = m.JoinPath(u.Path)
	}
	if u.Host == "" {
		return nil, fmt.Errorf("hub: %s: want an address that begins with https://", u.Redacted())
	}
	if err := cfg.allowFirst(u, f); err != nil {
		return nil, fmt.Errorf("hub: %s: %w", u.Redacted(), err)
	}
	if !hexDigits.MatchString(f.SHA256) {
		return nil, fmt.Errorf("hub: %s: the SHA-256 %q is not 8 to 64 hex digits in lower case", u.Redacted(), f.SHA256)
	}
	return u, nil
}

// prefix is torch.hub's: the digits of resnet18-f37072fd.pth.
var prefix = regexp.MustCompile(`-([0-9a-f]{8,64})\.`)

// HashPrefix returns the first digits of a file's SHA-256 that are part of its name, or "".
func HashPrefix(name string) string {
	if m := prefix.FindStringSubmatch(filepath.Base(name)); m != nil {
		return m[1]
	}
	return ""
}

// CheckpointDir returns the folder in which PyTorch keeps downloaded weights: hub/checkpoints in $TORCH_HOME, else in
// $XDG_CACHE_HOME/torch, else in ~/.cache/torch. env is os.Getenv. Unlike PyTorch it ignores a variable that is set
// but empty.
func CheckpointDir(env func(string) string) (string, error) {
	home := func(path string) (string, error) {
		rest, tilde := strings.CutPrefix(path, "~")
		if !tilde || rest != "" && rest[0] != '/' {
			return path, nil
		}
		if env("HOME") == "" {
			return "", errors.New("hub: no folder for downloads: set $TORCH_HOME or $HOME")
		}
		return filepath.Join(env("HOME"), rest), nil
	}
	root := env("TORCH_HOME")
	if root == "" {
		cache := env("XDG_CACHE_HOME")
		if cache == "" {
			cache = "~/.cache"
		}
		root = filepath.Join(cache, "torch")
	}
	root, err := home(root)
	if err != nil {
		return "", err
	}
	return filepath.Join(root, "hub", "checkpoints"), nil
}
