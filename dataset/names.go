package dataset

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// checkNames refuses class names that cannot be written or told apart: bytes that are not UTF-8, which config.json
// and best.safetensors cannot hold, and names that look the same: composed and decomposed letters, blanks at the
// ends, invisible characters.
func checkNames(classes []string) error {
	seen := map[string]string{}
	for _, name := range classes {
		if !utf8.ValidString(name) {
			return fmt.Errorf("the name of the class folder %+q is not UTF-8: rename it", name)
		}
		looks := strings.Join(strings.Fields(norm.NFC.String(strings.Map(visible, name))), " ")
		if other, twice := seen[looks]; twice {
			return fmt.Errorf("the class folders %+q and %+q look the same: rename one, or put their pictures together", other, name)
		}
		seen[looks] = name
	}
	return nil
}

// visible drops invisible characters, except joiners, with which words and emoji look different.
func visible(r rune) rune {
	const nonJoiner, joiner = '\u200c', '\u200d'
	if unicode.Is(unicode.Cf, r) && r != nonJoiner && r != joiner {
		return -1
	}
	return r
}

// Shown returns names of classes for a message: unchanged, or quoted in ASCII if two would look alike.
func Shown(names ...string) []string {
	out := slices.Clone(names)
	for i, name := range names {
		if !norm.NFC.IsNormalString(name) || strings.TrimSpace(strings.Map(visible, name)) != name || !utf8.ValidString(name) {
			out[i] = fmt.Sprintf("%+q", name)
		}
	}
	return out
}
