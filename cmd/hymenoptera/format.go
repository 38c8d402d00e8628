package main

import (
	"strconv"
	"strings"
)

// thousands writes 11177538 as 11,177,538.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// parseBytes reads a size as 500M.
func parseBytes(s string) (int64, bool) {
	digits := strings.TrimRight(s, "kMG")
	unit, known := map[string]float64{"": 1, "k": 1e3, "M": 1e6, "G": 1e9}[s[len(digits):]]
	size, err := strconv.ParseFloat(digits, 64)
	if err != nil || !known || !(size >= 0 && size*unit <= 1e15) {
		return 0, false
	}
	return int64(size * unit), true
}
