package main

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"

	"hymenoptera/torch"
)

// A trace writes the file of --trace: a line for every tensor, in the form of scripts/reference.py. The file is
// replaced when the trace is closed, unless it is a pipe, for example.
type trace struct {
	file string
	w    *bufio.Writer
	end  func() error
	err  error // of opening it
}

// open opens the file, at the first tensor.
func (t *trace) open() error {
	if info, err := os.Stat(t.file); err == nil && !info.Mode().IsRegular() {
		f, err := os.OpenFile(t.file, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		t.w, t.end = bufio.NewWriter(f), f.Close
		return nil
	}
	f, err := renameio.NewPendingFile(t.file, renameio.WithTempDir(filepath.Dir(t.file)), renameio.WithPermissions(0o666))
	if err != nil {
		return fmt.Errorf("--trace %s: %w", t.file, cause(err))
	}
	t.w, t.end = bufio.NewWriter(f), f.CloseAtomicallyReplace
	return nil
}

func (t *trace) write(epoch int, phase string, step int, name string, x *torch.Tensor) {
	if t.w == nil && t.err == nil {
		t.err = t.open()
	}
	if t.err != nil {
		return // the next epoch does not begin
	}
	s := torch.NewScope()
	defer s.Close()
	data := torch.Bytes(torch.Contiguous(s, torch.To(s, torch.Detach(s, x), torch.CPU)))
	fmt.Fprintf(t.w, "%d %s %d %s %x\n", epoch, phase, step, name, sha256.Sum256(data))
}

func (t *trace) close() error {
	if t.w == nil {
		return nil
	}
	return errors.Join(t.w.Flush(), t.end())
}

// cause returns the reason of an error without the name of a file, which may be that of a temporary one.
func cause(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}
