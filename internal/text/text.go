// Package text formats numbers, sizes and names for people, and parses sizes.
package text

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Thousands writes 11177538 as 11,177,538.
func Thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// GB writes a number of bytes as 15.6 GB, or "unknown" for 0.
func GB(bytes int64) string {
	if bytes == 0 {
		return "unknown"
	}
	return fmt.Sprintf("%.1f GB", float64(bytes)/1e9)
}

// Bytes parses a size such as 500M, in powers of 1000. ok is false if s is not a size.
func Bytes(s string) (bytes int64, ok bool) {
	digits := strings.TrimRight(s, "kMG")
	unit, known := map[string]float64{"": 1, "k": 1e3, "M": 1e6, "G": 1e9}[s[len(digits):]]
	size, err := strconv.ParseFloat(digits, 64)
	if err != nil || !known || !(size >= 0 && size*unit <= 1e15) {
		return 0, false
	}
	return int64(size * unit), true
}

// Few lists the first most names, and says how many more there are.
func Few(names []string, most int) string {
	list := strings.Join(names[:min(most, len(names))], ", ")
	if rest := len(names) - most; rest > 0 {
		list += fmt.Sprintf(", and %d more", rest)
	}
	return list
}

// Short cuts s to n letters.
func Short(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// OneLine escapes characters that could break a line or control a terminal, since the name of a file may hold
// anything.
func OneLine(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch _, size := utf8.DecodeRuneInString(s[i:]); {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return b.String()
}

// Printable returns s, or s as a quoted Go string if it could break a line or control a terminal, or is not UTF-8.
func Printable(s string) string {
	if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return s
}
