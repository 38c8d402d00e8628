package cli

import (
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/google/renameio/v2"
)

// WriteFile writes a file that a command was asked for, all or nothing.
func WriteFile(path string, data []byte) error {
	// In the same folder, because renameio may otherwise choose another one on the same disk.
	err := renameio.WriteFile(path, data, 0o666, renameio.WithTempDir(filepath.Dir(path)))
	if temporary := (*fs.PathError)(nil); errors.As(err, &temporary) {
		return &fs.PathError{Op: "write", Path: path, Err: temporary.Err}
	}
	return err
}
