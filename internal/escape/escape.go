// Package escape makes untrusted text harmless: names of files and classes may control a terminal, change the reading
// direction, or be a formula in a spreadsheet. It shows such characters as escapes and drops none.
package escape

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// harmful reports whether a character is a control character (Unicode's Cc), a line or paragraph separator, or one of
// those that change the direction of the following text (Unicode TR9, Trojan Source). Joiners, which scripts and
// emoji need, are not harmful.
func harmful(r rune) bool {
	switch {
	case unicode.IsControl(r), r == '\u2028', r == '\u2029', r == '\ufeff':
		return true
	case r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069', r == '\u200e', r == '\u200f', r == '\u061c':
		return true
	}
	return false
}

// Text writes harmful characters and bytes that are not UTF-8 as escapes of Go strings: \x1b, \u202e.
func Text(s string) string { return text(s, "") }

// HTML is Text for a whole page, whose line ends and tabs stay.
func HTML(page []byte) []byte { return []byte(text(string(page), "\n\t")) }

func text(s, keep string) string {
	var b strings.Builder
	for i, r := range s {
		switch _, size := utf8.DecodeRuneInString(s[i:]); {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case !harmful(r) || strings.ContainsRune(keep, r):
			b.WriteRune(r)
		case r < utf8.RuneSelf:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// CSV returns a cell for comma-separated values: Text, with an apostrophe before it if spreadsheets would take it for
// a formula.
func CSV(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + Text(cell)
	}
	return Text(cell)
}

// JSON returns a writer that passes on JSON with its harmful characters as JSON escapes, which a reader decodes.
// Every write must consist of whole values, as json.Encoder's do.
func JSON(w io.Writer) io.Writer { return jsonWriter{w} }

type jsonWriter struct{ w io.Writer }

func (j jsonWriter) Write(p []byte) (int, error) {
	if _, err := j.w.Write(JSONBytes(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// JSONBytes is JSON for a value in memory. Characters beyond ASCII occur only in strings, and encoding/json escapes
// the others.
func JSONBytes(value []byte) []byte {
	if !bytes.ContainsFunc(value, beyondASCII) {
		return value
	}
	var b bytes.Buffer
	for _, r := range string(value) {
		if beyondASCII(r) {
			fmt.Fprintf(&b, `\u%04x`, r) // none is beyond U+FFFF
		} else {
			b.WriteRune(r)
		}
	}
	return b.Bytes()
}

func beyondASCII(r rune) bool { return harmful(r) && (r >= utf8.RuneSelf || r == 0x7f) }
