package dataset

import (
	"context"
	"fmt"
	"io"
	"os"

	"hymenoptera/internal/regular"
)

// MaxFile is the largest size of a picture's file, in bytes. It is limited because files are read whole.
const MaxFile = 1 << 30

// openPicture opens a regular file of at most MaxFile bytes.
func openPicture(path string) (*os.File, int64, error) {
	f, size, err := regular.Open(path)
	if err == nil && size > MaxFile {
		f.Close()
		return nil, 0, fmt.Errorf("%d bytes are too many for a picture: want at most %d", size, MaxFile)
	}
	return f, size, err
}

// ReadFile reads a picture's file into buf, which it grows as needed and returns, also with an error. From a file of
// unknown format it reads only the first bytes. If the file system does not answer for a minute, it gives up and
// returns no buffer, because the old one may still be written to.
func ReadFile(buf []byte, path string) ([]byte, error) {
	return Sample{Path: path}.Read(context.Background(), buf)
}

// Read is [ReadFile] for the file of a sample. It fetches the sample's shard if that is missing.
func (s Sample) Read(ctx context.Context, buf []byte) ([]byte, error) {
	r, err := s.read(ctx, buf)
	return r.data, err
}

// A read is the content of a file.
type read struct {
	data    []byte
	version int64 // changes when the file changes; 0 if it is unknown
}

func (s Sample) read(ctx context.Context, buf []byte) (read, error) {
	if err := s.fetch(ctx); err != nil {
		return read{data: buf[:0]}, err
	}
	r, err := within(patience, func(alive func()) (r read, err error) {
		c, err := s.open()
		if err != nil {
			return read{data: buf[:0]}, err
		}
		defer c.file.Close()
		alive()
		r.version = c.version
		r.data, err = readAll(buf, c.Reader, c.size, alive)
		return r, err
	})
	if s.gone(err) {
		return s.read(ctx, r.data)
	}
	return r, err
}

// readAll reads a picture's file of the given size into buf. It calls alive after every mebibyte.
func readAll(buf []byte, f io.Reader, size int64, alive func()) ([]byte, error) {
	const head = 4 << 10
	if need := int(min(size, head)); need > cap(buf) {
		buf = make([]byte, 0, need)
	}
	n, err := io.ReadFull(f, buf[:min(size, head)])
	if buf = buf[:n]; err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return buf, err
	}
	if format(buf) == formatUnknown {
		return buf, unknownFormat(buf)
	}
	if need := int(size); need > cap(buf) {
		buf = append(make([]byte, 0, need+need/4), buf...)
	}
	for err == nil && len(buf) < int(size) {
		n, err = io.ReadFull(f, buf[len(buf):min(len(buf)+1<<20, int(size))])
		buf = buf[:len(buf)+n]
		alive()
	}
	if err == io.EOF || err == io.ErrUnexpectedEOF { // the file has become shorter
		err = nil
	}
	return buf, err
}

// Dimensions is [Size] for the file of a sample. It reads only the beginning of the file if that suffices, and fetches the
// sample's shard if that is missing.
func (s Sample) Dimensions(ctx context.Context) (width, height int, err error) {
	if err := s.fetch(ctx); err != nil {
		return 0, 0, err
	}
	c, err := s.open()
	if s.gone(err) {
		return s.Dimensions(ctx)
	}
	if err != nil {
		return 0, 0, err
	}
	defer c.file.Close()
	head, err := io.ReadAll(io.LimitReader(c, 64<<10))
	if err != nil {
		return 0, 0, err
	}
	if width, height, err = Size(head); err == nil || format(head) == formatUnknown {
		return width, height, err
	}
	rest, err := io.ReadAll(io.LimitReader(c, MaxFile))
	if err != nil {
		return 0, 0, err
	}
	return Size(append(head, rest...))
}
