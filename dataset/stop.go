package dataset

import (
	"bytes"
	"context"
)

// A stoppable file can be read until its context is done, so that decoding it stops.
type stoppable struct {
	*bytes.Reader
	ctx context.Context
}

func newStoppable(ctx context.Context, data []byte) *stoppable {
	return &stoppable{bytes.NewReader(data), ctx}
}

func (s *stoppable) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.Reader.Read(p)
}

func (s *stoppable) ReadByte() (byte, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.Reader.ReadByte()
}

func (s *stoppable) ReadAt(p []byte, off int64) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.Reader.ReadAt(p, off)
}
