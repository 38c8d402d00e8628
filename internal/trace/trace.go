// Package trace writes the tensors of a training in the form of scripts/reference.py, to find the first one that differs
// from PyTorch's.
package trace

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"

	"hymenoptera/torch"
)

// A Writer writes a file with a line for every tensor: where it comes from, its name and its SHA-256.
type Writer struct {
	name string
	file *os.File // nil before the first tensor
	w    *bufio.Writer
	err  error
}

// New returns a writer that creates the file at the first tensor.
func New(file string) *Writer { return &Writer{name: file} }

// Err returns the error of creating the file.
func (t *Writer) Err() error { return t.err }

// Tensor writes a line. It is the Tensor function of trainer.Hooks.
func (t *Writer) Tensor(epoch int, phase string, step int, name string, x *torch.Tensor) {
	if t.file == nil && t.err == nil {
		if t.file, t.err = os.Create(t.name); t.err != nil {
			t.err = fmt.Errorf("trace: %w", t.err)
		}
		t.w = bufio.NewWriter(t.file)
	}
	if t.err != nil {
		return
	}
	s := torch.NewScope()
	defer s.Close()
	data := torch.Bytes(torch.Contiguous(s, torch.To(s, torch.Detach(s, x), torch.CPU)))
	fmt.Fprintf(t.w, "%d %s %d %s %x\n", epoch, phase, step, name, sha256.Sum256(data))
}

// Close closes the file, if one was created.
func (t *Writer) Close() error {
	if t.file == nil {
		return nil
	}
	return errors.Join(t.w.Flush(), t.file.Close())
}
