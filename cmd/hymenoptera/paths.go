package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"hymenoptera/internal/cli"
	"hymenoptera/internal/regular"
	"hymenoptera/internal/text"
)

// A flagPath is a file that a flag names; the path is "" if the flag was not given.
type flagPath struct{ flag, path string }

// checkOutputs returns an error, before any work begins, for a file that cannot be written, for two names of one file, and
// for a file that the command reads: one of inputs.
func checkOutputs(outputs []flagPath, inputs ...string) error {
	for i, o := range outputs {
		if o.path == "" {
			continue
		}
		if info, err := os.Stat(o.path); err == nil && !info.Mode().IsRegular() {
			return cli.Usagef("--%s %q: want the name of a file to write", o.flag, o.path)
		}
		var none *fs.PathError
		if _, err := os.Stat(filepath.Dir(o.path) + "/"); errors.As(err, &none) {
			return fmt.Errorf("--%s: write %s: %w", o.flag, text.Printable(o.path), none.Err)
		}
		for _, other := range outputs[:i] {
			if regular.Same(o.path, other.path) {
				return cli.Usagef("--%s and --%s both name %s: want two files", other.flag, o.flag, text.Printable(o.path))
			}
		}
		for _, input := range inputs {
			if regular.Same(o.path, input) {
				return cli.Usagef("--%s %s: this file is read: name another one to write", o.flag, text.Printable(o.path))
			}
		}
	}
	return nil
}

// checkInputs returns an error if a flag names a folder instead of a file.
func checkInputs(inputs ...flagPath) error {
	for _, in := range inputs {
		if regular.IsFolder(in.path) {
			return cli.Usagef("--%s %s: it is a folder: want a file", in.flag, text.Printable(in.path))
		}
	}
	return nil
}
