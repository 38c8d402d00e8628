package cli

import (
	"io"

	"hymenoptera/internal/disk"
)

// WriteFile writes a file that a command was asked for, all or nothing.
func WriteFile(path string, data []byte) error {
	return disk.Replace(disk.OS{}, path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}
