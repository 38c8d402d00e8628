package run

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// A HeldError says that a folder holds a run and overwriting is off.
type HeldError struct {
	Path string // the folder
	File string // one of the run's files
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("run: %s holds a run already (%s)", e.Path, e.File)
}

// A FolderError says that a run cannot be written into a folder.
type FolderError struct {
	Err  error
	Full bool // there is no space
}

func (e *FolderError) Error() string { return "run: " + e.Err.Error() }
func (e *FolderError) Unwrap() error { return e.Err }

func folderErrorf(format string, args ...any) error {
	return &FolderError{Err: fmt.Errorf(format, args...)}
}

// writeError returns the error to report for a failed write into the folder.
func (f *Folder) writeError(err error) error {
	switch {
	case err == nil:
		return nil
	case f.Vanished():
		return f.vanished()
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT), errors.Is(err, unix.EFBIG):
		return &FolderError{Err: err, Full: true}
	}
	return fmt.Errorf("run: %w", err)
}

func (f *Folder) vanished() error {
	return fmt.Errorf("run: %s was removed while the run was writing into it", f.path)
}
