package checkpoint

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"
)

// maxFile is the largest file that Read takes into memory.
const maxFile = 16 << 30

// Read reads the state dict in a file of any of the three formats. FILE#PART names one of several in a file, by its
// keys with dots between them. The tensors share one buffer as large as the file. The errors name the file, the fault
// and, if there is one, the remedy.
func Read(name string) (*StateDict, error) {
	path, part := Split(name)
	data, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: read %s: %w", path, err)
	}
	sd, err := parse(data, part)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: read %s: %w", path, err)
	}
	return sd, nil
}

// Split splits FILE#PART. A file whose own name contains a # sign is not split.
func Split(name string) (path, part string) {
	at := strings.LastIndexByte(name, '#')
	if at < 0 {
		return name, ""
	}
	if _, err := os.Lstat(name); err == nil {
		return name, ""
	}
	return name[:at], name[at+1:]
}

// Parse reads a state dict from the bytes of a file. It keeps data: the tensors are slices of it, and Parse reorders
// in place those that are not row-major.
func Parse(data []byte) (*StateDict, error) {
	sd, err := parse(data, "")
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	return sd, nil
}

func parse(data []byte, part string) (*StateDict, error) {
	reader, err := sniff(data[:min(len(data), sniffLen)], int64(len(data)))
	if err != nil {
		return nil, err
	}
	sd, err := reader(data, part)
	if err != nil {
		return nil, err
	}
	return sd, nil
}

// readFile reads a whole file, if its size and beginning are those of a file that a reader accepts.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path) // before Open, which waits on a pipe
	if err != nil {
		return nil, bare(err)
	}
	switch {
	case info.IsDir():
		return nil, errors.New("it is a folder: name the file of weights in it")
	case !info.Mode().IsRegular():
		return nil, errors.New("it is not a regular file")
	case info.Size() > maxFile:
		return nil, fmt.Errorf("it has %d bytes, more than %d GiB: no weights of an image classifier", info.Size(), maxFile>>30)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, bare(err)
	}
	defer f.Close()
	head := make([]byte, min(info.Size(), sniffLen))
	if _, err := io.ReadFull(f, head); err != nil {
		return nil, bare(err)
	}
	if _, err := sniff(head, info.Size()); err != nil {
		return nil, err
	}
	data := make([]byte, info.Size())
	if err := readParts(f, data); err != nil {
		return nil, bare(err)
	}
	return data, nil
}

// readParts fills data from the beginning of f, in parts in parallel: the kernel spends most of the time on
// allocating memory, which two threads share (20 and 13 ms for 46.8 MB on two cores).
func readParts(f io.ReaderAt, data []byte) error {
	const least = 1 << 20 // bytes per part
	parts := max(1, min(runtime.GOMAXPROCS(0), 4, len(data)/least))
	step := (len(data) + parts - 1) / parts
	var g errgroup.Group
	for i := range parts {
		from, to := i*step, min((i+1)*step, len(data))
		g.Go(func() error {
			n, err := f.ReadAt(data[from:to], int64(from))
			if n == to-from {
				return nil // ReadAt may return EOF at the file's end
			}
			return err
		})
	}
	return g.Wait()
}

// bare removes the path from an error of package os, since Read names it already.
func bare(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it became shorter while it was read")
	}
	return err
}
