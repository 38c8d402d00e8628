package finetune

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"hymenoptera/check"
	"hymenoptera/internal/regular"
)

// excluded returns the images that Exclude names. It returns an [*OptionError] for a line that does not name a file.
func (o Options) excluded() (map[string]bool, error) {
	if o.Exclude == "" {
		return nil, nil
	}
	const mostBytes = 1 << 30
	wrong := func(problem string) error {
		return &OptionError{Option: "exclude", Value: o.Exclude, Problem: problem}
	}
	list, err := regular.Read(o.Exclude, mostBytes)
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		err = path.Err // the message names the file as the option's value
	}
	if err != nil {
		return nil, wrong(err.Error())
	}
	entries, err := check.ReadList(list)
	if err != nil {
		return nil, wrong(err.Error())
	}
	out := map[string]bool{}
	for _, e := range entries {
		name := path.Clean(e.Path)
		if _, err := os.Lstat(filepath.Join(o.Data, filepath.FromSlash(name))); err != nil || !filepath.IsLocal(name) {
			return nil, wrong(fmt.Sprintf("line %d: %s has no file %s", e.Line, o.Data, e.Path))
		}
		out[name] = true
	}
	return out, nil
}
