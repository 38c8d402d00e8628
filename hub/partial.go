package hub

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"hymenoptera/internal/disk"
)

// Endings of the names beside the final name.
const (
	partialEnding = ".partial"
	sourceEnding  = ".partial.json"
	lockEnding    = ".lock"
)

// A source describes the file that a partial is the beginning of.
type source struct {
	URL       string `json:"url"`
	Validator string `json:"validator"` // for If-Range: a strong ETag, else Last-Modified
	Total     int64  `json:"total"`     // bytes of the whole file, or -1
}

// A partial is the beginning of a file on disk, and the hash of its bytes.
type partial struct {
	path    string // the final name
	f       *os.File
	sum     hash.Hash
	size    int64
	from    source
	resumed bool // its bytes come from more than one answer
}

// openPartial opens the partial file, and empties it if the download cannot resume.
func openPartial(path, address string) (*partial, error) {
	f, err := os.OpenFile(path+partialEnding, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o666)
	if err != nil {
		return nil, err
	}
	p := &partial{path: path, f: f, sum: sha256.New(), from: source{Total: -1}}
	if err := p.recover(address); err != nil {
		f.Close()
		return nil, err
	}
	return p, nil
}

func (p *partial) recover(address string) error {
	var from source
	data, err := os.ReadFile(p.path + sourceEnding)
	if err != nil || json.Unmarshal(data, &from) != nil || from.Validator == "" || from.URL != address {
		return p.discard()
	}
	if p.size, err = io.Copy(p.sum, p.f); err != nil {
		return err
	}
	if p.size == 0 || from.Total >= 0 && p.size > from.Total {
		return p.discard()
	}
	p.from, p.resumed = from, true
	return nil
}

// whole reports whether all bytes have arrived.
func (p *partial) whole() bool { return p.size > 0 && p.size == p.from.Total }

// discard discards all bytes that have arrived.
func (p *partial) discard() error {
	if err := p.removeSource(); err != nil {
		return err
	}
	if err := p.f.Truncate(0); err != nil {
		return err
	}
	_, err := p.f.Seek(0, io.SeekStart)
	p.sum.Reset()
	p.size, p.from, p.resumed = 0, source{Total: -1}, false
	return err
}

// restart begins with a new file. It writes the source before any byte of the file.
func (p *partial) restart(from source) error {
	if err := p.discard(); err != nil {
		return err
	}
	p.from = from
	if from.Validator == "" {
		return nil // it could not be resumed
	}
	data, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return os.WriteFile(p.path+sourceEnding, data, 0o666) // recover discards the partial if this file is incomplete
}

func (p *partial) Write(b []byte) (int, error) {
	n, err := p.f.Write(b)
	p.sum.Write(b[:n])
	p.size += int64(n)
	return n, err
}

// check returns an error unless the file's hash begins with prefix.
func (p *partial) check(prefix string) error {
	if got := fmt.Sprintf("%x", p.sum.Sum(nil)); !strings.HasPrefix(got, prefix) {
		return fmt.Errorf("its SHA-256 is %s, but that of the published file is %s", got, File{SHA256: prefix}.hash())
	}
	return nil
}

// commit gives the file its final name.
func (p *partial) commit() error {
	if err := p.f.Sync(); err != nil {
		return err
	}
	if err := os.Rename(p.path+partialEnding, p.path); err != nil {
		return err
	}
	if err := disk.SyncFolder(disk.OS{}, filepath.Dir(p.path)); err != nil {
		return err
	}
	return p.removeSource()
}

func (p *partial) removeSource() error {
	if err := os.Remove(p.path + sourceEnding); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// close closes the file, and removes it if it cannot be resumed.
func (p *partial) close() {
	if p.size == 0 || p.from.Validator == "" {
		os.Remove(p.path + sourceEnding)
		os.Remove(p.path + partialEnding)
	}
	p.f.Close()
}
