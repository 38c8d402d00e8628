package checkpoint

import (
	"bufio"
	"fmt"
	"io"
	"path/filepath"

	"github.com/google/renameio/v2"
)

// writeFile replaces path by the output of content, all or nothing: it writes to a temporary file in the same folder,
// sees it on the disk and renames it. A reader sees the old file or the new one.
func writeFile(path string, content func(io.Writer) error) error {
	// WithTempDir, because renameio may otherwise choose a folder on the same disk.
	f, err := renameio.NewPendingFile(path, renameio.WithTempDir(filepath.Dir(path)), renameio.WithPermissions(0o644))
	if err != nil {
		return fmt.Errorf("checkpoint: write %s: %w", path, err)
	}
	defer f.Cleanup() // does nothing after the rename
	w := bufio.NewWriterSize(f, 1<<16)
	err = content(w)
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = f.CloseAtomicallyReplace()
	}
	if err != nil {
		return fmt.Errorf("checkpoint: write %s: %w", path, err)
	}
	return nil
}
