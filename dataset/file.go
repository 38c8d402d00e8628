package dataset

import (
	"fmt"
	"io"
	"os"

	"hymenoptera/internal/regular"
)

// MaxFile is the largest size of a picture's file, in bytes, since files are read whole.
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

// ReadFile reads a picture's file into buf, which it grows as needed, and returns it, also with an error. Of a file
// of unknown format it reads only the first bytes.
func ReadFile(buf []byte, path string) ([]byte, error) {
	f, size, err := openPicture(path)
	if err != nil {
		return buf[:0], err
	}
	defer f.Close()
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
	n, err = io.ReadFull(f, buf[len(buf):size])
	if buf = buf[:len(buf)+n]; err == io.EOF || err == io.ErrUnexpectedEOF { // it has become shorter
		err = nil
	}
	return buf, err
}

// FileSize is [Size] for a file, of which it reads only the beginning if that suffices.
func FileSize(path string) (width, height int, err error) {
	f, _, err := openPicture(path)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, 64<<10))
	if err != nil {
		return 0, 0, err
	}
	if width, height, err = Size(head); err == nil || format(head) == formatUnknown {
		return width, height, err
	}
	rest, err := io.ReadAll(io.LimitReader(f, MaxFile))
	if err != nil {
		return 0, 0, err
	}
	return Size(append(head, rest...))
}
