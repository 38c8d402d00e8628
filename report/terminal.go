package report

import (
	"fmt"
	"math"
	"strings"
)

// Plot draws lines as text, width×height without its frame: line i in letter i of the alphabet, '*' where several
// meet. The vertical axis shows the lowest and highest value; the horizontal one counts epochs from 0.
func Plot(lines [][]float64, width, height int) string {
	longest, low, high := 1, math.Inf(1), math.Inf(-1)
	for _, l := range lines {
		longest = max(longest, len(l))
		for _, v := range l {
			low, high = min(low, v), max(high, v)
		}
	}
	if low > high {
		return ""
	}
	if high == low {
		low, high = low-0.5, high+0.5
	}
	field := make([][]byte, height)
	for y := range field {
		field[y] = []byte(strings.Repeat(" ", width))
	}
	for i, l := range lines {
		letter := Letter(i)[0]
		for x := range width {
			// float64(…): without it, arm64 fuses the product with the sum.
			at := float64(float64(x) / float64(max(width-1, 1)) * float64(longest-1))
			if at > float64(len(l)-1) {
				break
			}
			k := int(at)
			v := l[k] + float64((at-float64(k))*(l[min(k+1, len(l)-1)]-l[k]))
			cell := &field[int(math.Round((high-v)/(high-low)*float64(height-1)))][x]
			if *cell != ' ' && *cell != letter {
				*cell = '*'
			} else {
				*cell = letter
			}
		}
	}
	var b strings.Builder
	for y, row := range field {
		v := high - (high-low)*float64(y)/float64(max(height-1, 1))
		fmt.Fprintf(&b, "%8.4f | %s\n", v, strings.TrimRight(string(row), " "))
	}
	end := fmt.Sprint(longest - 1)
	fmt.Fprintf(&b, "%8s +-%s\n", "", strings.Repeat("-", width))
	fmt.Fprintf(&b, "%8s   0%s%s\n", "", strings.Repeat(" ", max(width-1-len(end), 1)), end)
	return b.String()
}

// Letter returns the name of line i: A to Z, then a to z, then '?'.
func Letter(i int) string {
	switch {
	case i < 26:
		return string(rune('A' + i))
	case i < 52:
		return string(rune('a' + i - 26))
	}
	return "?"
}
