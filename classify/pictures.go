package classify

import (
	"context"
	"fmt"
	"io"
	"iter"

	"hymenoptera/dataset"
	"hymenoptera/internal/regular"
)

// Pictures yields the pictures of paths until ctx is done: files, pictures in folders at any depth, and stdin for "-".
// It calls unlisted with an error for each folder that cannot be listed or holds no picture.
func Pictures(ctx context.Context, paths iter.Seq[string], stdin io.Reader, unlisted func(error)) iter.Seq[Picture] {
	return func(yield func(Picture) bool) {
		for arg := range paths {
			if arg == "-" {
				if !yield(Picture{Name: "-", Read: func() ([]byte, error) { return readAll(ctx, stdin) }}) {
					return
				}
				continue
			}
			if !regular.IsFolder(arg) {
				if !yield(File(arg)) { // reading it reports the error
					return
				}
				continue
			}
			some := false
			for path, err := range dataset.PicturePaths(arg, nil) {
				some = true
				if err != nil {
					unlisted(err)
					continue
				}
				if !yield(File(path)) {
					return
				}
			}
			if !some {
				unlisted(fmt.Errorf("no pictures in %s: want files that end in .jpg, .png, …", arg))
			}
		}
	}
}

// readAll reads a picture. It returns early when ctx is done, since the input may never end.
func readAll(ctx context.Context, r io.Reader) ([]byte, error) {
	type content struct {
		data []byte
		err  error
	}
	all := make(chan content, 1)
	go func() {
		data, err := io.ReadAll(io.LimitReader(r, dataset.MaxFile+1))
		if len(data) > dataset.MaxFile {
			err = fmt.Errorf("more than %d bytes", dataset.MaxFile)
		}
		all <- content{data, err}
	}()
	select {
	case c := <-all:
		return c.data, c.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
