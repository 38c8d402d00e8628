package checkpoint

import (
	"fmt"
	"io"

	"hymenoptera/internal/disk"
)

// writeFile replaces path by the output of content, all or nothing.
func writeFile(path string, content func(io.Writer) error) error {
	if err := disk.Replace(disk.OS{}, path, content); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return nil
}
