package hub

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"unicode/utf8"
)

// The longest name that Linux allows, and a length for paths in a zip that leaves room for the folder's own path.
const (
	maxNameBytes = 255
	maxPathBytes = 1024
)

// checkName refuses the path of a zip's entry, without the slash that ends folders, unless it names a
// file below the folder that it is unpacked into.
func checkName(name string) error {
	switch {
	case !utf8.ValidString(name):
		return errors.New("the name is no UTF-8")
	case strings.HasPrefix(name, "/"):
		return errors.New("the name is absolute")
	case len(name) > maxPathBytes:
		return fmt.Errorf("the name has %d bytes, more than %d", len(name), maxPathBytes)
	case strings.Contains(name, `\`):
		return errors.New(`the name has a \, which archives must not separate folders with`)
	case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return errors.New("the name has a control character")
	case !fs.ValidPath(name) || name == ".":
		return errors.New("the name is empty or has an empty part, . or .., which lead elsewhere")
	}
	for part := range strings.SplitSeq(name, "/") {
		if len(part) > maxNameBytes {
			return fmt.Errorf("a part of the name has %d bytes, more than %d", len(part), maxNameBytes)
		}
	}
	return nil
}
