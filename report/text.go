package report

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"strconv"
	"strings"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// The colours of the pictures: dark on white. right and wrong differ in lightness and come with words, so
// that people who do not see colours can tell them apart.
var (
	ink   = color.RGBA{0x1a, 0x1d, 0x21, 255}
	muted = color.RGBA{0x5b, 0x62, 0x6b, 255}
	paper = color.RGBA{255, 255, 255, 255}
	right = color.RGBA{0x0b, 0x6e, 0x4f, 255}
	wrong = color.RGBA{0xb4, 0x23, 0x18, 255}
)

// decimal returns the double that prints like the float32 v: 0.229, which Python computes with.
func decimal(v float32) float64 {
	d, _ := strconv.ParseFloat(strconv.FormatFloat(float64(v), 'g', -1, 32), 64)
	return d
}

func fill(img draw.Image, r image.Rectangle, c color.Color) {
	draw.Draw(img, r, image.NewUniform(c), image.Point{}, draw.Src)
}

// A typeface is Go's own font at one size, which has Latin, Greek and Cyrillic letters, with other letters from fonts of the
// machine, if it has some.
type typeface struct {
	face *fallback
}

// newTypeface returns the font with letters of the given size in pixels, and with other fonts' letters for the names.
func newTypeface(size float64, bold bool, names ...string) *typeface {
	data := goregular.TTF
	if bold {
		data = gobold.TTF
	}
	f, err := opentype.Parse(data)
	if err != nil {
		panic(err) // the font is part of the program
	}
	face, err := newFallback(append([]*sfnt.Font{f}, systemFonts(f, names)...), size)
	if err != nil {
		panic(err) // the size is positive
	}
	return &typeface{face: face}
}

// has reports whether the fonts can write s from left to right, letter by letter.
func (t *typeface) has(s string) bool {
	for _, r := range s {
		if t.face.index(r) < 0 {
			return false
		}
	}
	return writable(s)
}

func (t *typeface) width(s string) int { return font.MeasureString(t.face, s).Ceil() }

// height returns the distance of two lines.
func (t *typeface) height() int { return t.face.Metrics().Height.Ceil() * 5 / 4 }

// fit shortens s at its end to at most the given width.
func (t *typeface) fit(s string, width int) string {
	if t.width(s) <= width {
		return s
	}
	letters := []rune(s)
	for n := len(letters) - 1; n > 0; n-- {
		if short := strings.TrimRight(string(letters[:n]), " ") + "…"; t.width(short) <= width {
			return short
		}
	}
	return "…"
}

// write writes s with its line's top left corner at (x, y).
func (t *typeface) write(img draw.Image, x, y int, s string, c color.Color) {
	m := t.face.Metrics()
	base := y + (t.height()-m.Height.Ceil())/2 + m.Ascent.Ceil()
	d := font.Drawer{Dst: img, Src: image.NewUniform(c), Face: t.face, Dot: fixed.P(x, base)}
	d.DrawString(s)
}

// name returns s in at most the given width, or other if the font lacks a letter.
func (t *typeface) name(s string, width int, other string) string {
	if !t.has(s) {
		return other
	}
	return t.fit(s, width)
}

// labels returns each class name as a picture can show it in the given width. A name whose letters no font has, and one that is
// too long to be told from the others, is written with its number, "#3", which a legend explains.
func (t *typeface) labels(names []string, width int) []string {
	out := make([]string, len(names))
	seen := map[string]int{}
	for i, name := range names {
		if t.has(name) {
			out[i] = t.fit(name, width)
		} else {
			out[i] = fmt.Sprintf("#%d", i+1)
		}
		seen[out[i]]++
	}
	for i, name := range names {
		if t.has(name) && (seen[out[i]] > 1 || out[i] == "…") {
			number := fmt.Sprintf("#%d", i+1)
			if out[i] = t.fit(number+" "+name, width); !strings.HasPrefix(out[i], number) {
				out[i] = number
			}
		}
	}
	return out
}

// legend returns a line for each of the classes whose label is a number, at most a dozen.
func (t *typeface) legend(names, labels []string, width int) (lines []string) {
	const most = 12
	for i, name := range names {
		number := fmt.Sprintf("#%d", i+1)
		switch {
		case !strings.HasPrefix(labels[i], number):
		case len(lines) == most:
			return append(lines, t.fit("report.html names the others", width))
		case t.has(name):
			lines = append(lines, t.fit(number+" is "+name, width))
		default:
			lines = append(lines, t.fit(number+": no font here can write the name; see report.html", width))
		}
	}
	return lines
}
