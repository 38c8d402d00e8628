package main

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"

	"hymenoptera/torch"
)

// A trace is the file of --trace: a line for every tensor, in the form of scripts/reference.py.
type trace struct {
	scope *torch.Scope
	file  *os.File
	w     *bufio.Writer
}

func newTrace(s *torch.Scope, path string) (*trace, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	return &trace{s, f, bufio.NewWriter(f)}, nil
}

func (t *trace) write(epoch int, phase string, step int, name string, x *torch.Tensor) {
	s := t.scope.Child()
	defer s.Close()
	data := torch.Bytes(torch.Contiguous(s, torch.To(s, torch.Detach(s, x), torch.CPU)))
	fmt.Fprintf(t.w, "%d %s %d %s %x\n", epoch, phase, step, name, sha256.Sum256(data))
}

func (t *trace) close() error { return errors.Join(t.w.Flush(), t.file.Close()) }
