package main

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"

	"hymenoptera/torch"
)

// A trace is the file of --trace: a line for every tensor, in the form of scripts/reference.py.
type trace struct {
	scope *torch.Scope
	w     *bufio.Writer
	end   func() error
}

// newTrace begins a trace beside the file that it replaces when it is closed; or in path itself, where that is a pipe, say.
func newTrace(s *torch.Scope, path string) (*trace, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return nil, err
		}
		return &trace{s, bufio.NewWriter(f), f.Close}, nil
	}
	f, err := renameio.NewPendingFile(path, renameio.WithTempDir(filepath.Dir(path)), renameio.WithPermissions(0o666))
	if err != nil {
		return nil, fmt.Errorf("--trace %s: %w", path, cause(err))
	}
	return &trace{s, bufio.NewWriter(f), f.CloseAtomicallyReplace}, nil
}

func (t *trace) write(epoch int, phase string, step int, name string, x *torch.Tensor) {
	s := t.scope.Child()
	defer s.Close()
	data := torch.Bytes(torch.Contiguous(s, torch.To(s, torch.Detach(s, x), torch.CPU)))
	fmt.Fprintf(t.w, "%d %s %d %s %x\n", epoch, phase, step, name, sha256.Sum256(data))
}

func (t *trace) close() error { return errors.Join(t.w.Flush(), t.end()) }
