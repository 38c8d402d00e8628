package hub

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"unicode/utf8"
)

// The longest name that Linux, macOS and Windows take, and a length for paths that leaves room for the rest.
const (
	maxNameBytes = 255
	maxPathBytes = 1024
)

// checkName refuses the path of a zip's entry, without the slash that ends folders, unless it names the same
// file below the folder it is unpacked into on every system.
func checkName(name string) error {
	switch {
	case !utf8.ValidString(name):
		return errors.New("the name is no UTF-8")
	case strings.HasPrefix(name, "/"):
		return errors.New("the name is absolute")
	case len(name) > maxPathBytes:
		return fmt.Errorf("the name has %d bytes, more than %d", len(name), maxPathBytes)
	case strings.ContainsAny(name, `\:*?"<>|`):
		return fmt.Errorf("the name has one of %s, which other systems do not take", `\:*?"<>|`)
	case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return errors.New("the name has a control character")
	case !fs.ValidPath(name) || name == ".":
		return errors.New("the name is empty or has an empty part, . or .., which lead elsewhere")
	}
	for part := range strings.SplitSeq(name, "/") {
		switch {
		case len(part) > maxNameBytes:
			return fmt.Errorf("a part of the name has %d bytes, more than %d", len(part), maxNameBytes)
		case strings.HasSuffix(part, ".") || strings.HasSuffix(part, " "):
			return errors.New("a part of the name ends in a dot or a space, which Windows drops")
		case isDevice(part):
			return errors.New("the name is a device's on Windows")
		}
	}
	return nil
}

// isDevice says whether Windows takes a name for a device's: those of its documentation "Naming Files,
// Paths, and Namespaces", with any ending.
func isDevice(name string) bool {
	stem, _, _ := strings.Cut(strings.ToUpper(name), ".")
	stem = strings.TrimRight(stem, " ")
	switch stem {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return true
	}
	port, ok := strings.CutPrefix(stem, "COM")
	if !ok {
		port, ok = strings.CutPrefix(stem, "LPT")
	}
	return ok && strings.Contains("0123456789¹²³", port) && utf8.RuneCountInString(port) == 1
}
