package dataset

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"hymenoptera/internal/background"
	"hymenoptera/transforms"
)

// A SampleError says which file of an ImageFolder cannot be read or decoded, and why.
type SampleError struct {
	Path  string
	Class string
	Index int // into Samples
	Err   error
}

// Error names file, class and index.
func (e *SampleError) Error() string {
	return fmt.Sprintf("dataset: %s (class %s, sample %d): %v", e.Path, e.Class, e.Index, e.Err)
}

// Unwrap returns the reason.
func (e *SampleError) Unwrap() error { return e.Err }

// sampleError returns a [*SampleError], except for a shard that could not be fetched.
func (f *ImageFolder) sampleError(index int, err error) error {
	var fetch *FetchError
	if errors.As(err, &fetch) {
		return fetch
	}
	var p *fs.PathError
	if errors.As(err, &p) { // the SampleError names the path already
		err = fmt.Errorf("cannot %s it: %w", p.Op, p.Err)
	}
	s := f.Samples[index]
	if s.shard != nil {
		err = fmt.Errorf("at offset %d: %w", s.offset, err)
	}
	return &SampleError{Path: s.Path, Class: f.Classes[s.Label], Index: index, Err: err}
}

// Broken reads and decodes every sample, with several workers, and returns an error for each one that fails, by index.
func (f *ImageFolder) Broken(ctx context.Context, workers int) ([]*SampleError, error) {
	found := make([]*SampleError, len(f.Samples))
	err := background.InParallel(ctx, workers, len(found), func(ctx context.Context) func(int) error {
		var file []byte
		var picture transforms.Image
		return func(i int) (err error) {
			if file, err = f.Samples[i].Read(ctx, file); err == nil {
				err = Decode(&picture, file)
			}
			if err == nil {
				return nil
			}
			if err = f.sampleError(i, err); errors.As(err, &found[i]) {
				return nil
			}
			return err
		}
	})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(found, func(e *SampleError) bool { return e == nil }), nil
}

// Without returns the folder without the broken samples. A class with no other samples is an error.
func (f *ImageFolder) Without(broken []*SampleError) (*ImageFolder, error) {
	rest := &ImageFolder{Root: f.Root, Classes: f.Classes, LeftOut: f.LeftOut}
	out := map[int]bool{}
	for _, e := range broken {
		out[e.Index] = true
	}
	for i, s := range f.Samples {
		if !out[i] {
			rest.Samples = append(rest.Samples, s)
		}
	}
	if label := slices.Index(rest.Counts(), 0); label >= 0 {
		return nil, fmt.Errorf("dataset: class %s: none of the pictures in %s can be decoded", f.Classes[label], f.Root)
	}
	return rest, nil
}
