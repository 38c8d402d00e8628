// Package trace writes the tensors of a training in the form of scripts/reference.py, to find the first one that differs
// from PyTorch's.
package trace

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

// A Writer writes a file with a line for every tensor: where it comes from, its name and its SHA-256. The file is replaced
// when the writer is closed, unless it is a pipe, for example.
type Writer struct {
	file string
	w    *bufio.Writer
	end  func() error
	err  error
}

// New returns a writer that opens the file at the first tensor.
func New(file string) *Writer { return &Writer{file: file} }

// Err returns the error of opening the file.
func (t *Writer) Err() error { return t.err }

// Tensor writes a line. It is the Tensor function of trainer.Hooks.
func (t *Writer) Tensor(epoch int, phase string, step int, name string, x *torch.Tensor) {
	if t.w == nil && t.err == nil {
		t.err = t.open()
	}
	if t.err != nil {
		return
	}
	s := torch.NewScope()
	defer s.Close()
	data := torch.Bytes(torch.Contiguous(s, torch.To(s, torch.Detach(s, x), torch.CPU)))
	fmt.Fprintf(t.w, "%d %s %d %s %x\n", epoch, phase, step, name, sha256.Sum256(data))
}

func (t *Writer) open() error {
	if info, err := os.Stat(t.file); err == nil && !info.Mode().IsRegular() {
		f, err := os.OpenFile(t.file, os.O_WRONLY, 0)
		if err != nil {
			return fmt.Errorf("trace: %w", err)
		}
		t.w, t.end = bufio.NewWriter(f), f.Close
		return nil
	}
	f, err := renameio.NewPendingFile(t.file, renameio.WithTempDir(filepath.Dir(t.file)), renameio.WithPermissions(0o666))
	if temporary := (*fs.PathError)(nil); errors.As(err, &temporary) {
		err = temporary.Err
	}
	if err != nil {
		return fmt.Errorf("trace: %s: %w", t.file, err)
	}
	t.w, t.end = bufio.NewWriter(f), f.CloseAtomicallyReplace
	return nil
}

// Close ends the file, if one was opened.
func (t *Writer) Close() error {
	if t.w == nil {
		return nil
	}
	return errors.Join(t.w.Flush(), t.end())
}
