package report

import (
	"image"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"unicode"

	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// letterByLetter are the scripts that are written from left to right, one letter after another. Other scripts need a shaper.
var letterByLetter = []*unicode.RangeTable{unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Common, unicode.Han, unicode.Hiragana,
	unicode.Katakana, unicode.Hangul, unicode.Bopomofo, unicode.Armenian, unicode.Georgian, unicode.Ethiopic, unicode.Cherokee, unicode.Yi}

// writable reports whether s can be written letter by letter, regardless of the font.
func writable(s string) bool {
	for _, r := range s {
		if !unicode.IsPrint(r) || unicode.In(r, unicode.Mn, unicode.Me, unicode.Mc) || !unicode.In(r, letterByLetter...) {
			return false
		}
	}
	return s != ""
}

// fontFile matches the names of fonts' files, and styled those that are bold or slanted.
var fontFile = regexp.MustCompile(`(?i)\.(ttf|otf|ttc|otc)$`)
var styled = regexp.MustCompile(`(?i)bold|black|heavy|italic|oblique|light|thin`)

// systemFonts returns fonts of this machine with the letters of writable names that the first font lacks.
func systemFonts(first *sfnt.Font, names []string) (fonts []*sfnt.Font) {
	var buf sfnt.Buffer
	missing := map[rune]bool{}
	for _, name := range names {
		if !writable(name) {
			continue
		}
		for _, r := range name {
			if !hasLetter(first, &buf, r) {
				missing[r] = true
			}
		}
	}
	for _, folder := range fontFolders() {
		filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if len(missing) == 0 {
				return fs.SkipAll
			}
			if err != nil || !d.Type().IsRegular() || !fontFile.MatchString(d.Name()) || styled.MatchString(d.Name()) {
				return nil
			}
			f := readFont(path)
			if f == nil {
				return nil
			}
			useful := false
			for r := range missing {
				if hasLetter(f, &buf, r) {
					delete(missing, r)
					useful = true
				}
			}
			if useful {
				fonts = append(fonts, f)
			}
			return nil
		})
	}
	return fonts
}

// fontFolders are where Linux keeps fonts.
func fontFolders() []string {
	own := os.Getenv("XDG_DATA_HOME")
	home, err := os.UserHomeDir()
	if own == "" && err == nil {
		own = filepath.Join(home, ".local/share")
	}
	return []string{filepath.Join(own, "fonts"), "/usr/local/share/fonts", "/usr/share/fonts"}
}

// readFont returns the first font in a file, or nil if there is none that can be read.
func readFont(path string) *sfnt.Font {
	const most = 64 << 20
	if info, err := os.Stat(path); err != nil || info.Size() > most {
		return nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	all, err := opentype.ParseCollection(data)
	if err != nil || all.NumFonts() == 0 {
		return nil
	}
	f, err := all.Font(0)
	if err != nil {
		return nil
	}
	return f
}

func hasLetter(f *sfnt.Font, buf *sfnt.Buffer, r rune) bool {
	i, err := f.GlyphIndex(buf, r)
	return err == nil && i != 0
}

// A fallback is a font that takes the letters it lacks from other fonts.
type fallback struct {
	faces []font.Face
	fonts []*sfnt.Font
	buf   sfnt.Buffer
}

func newFallback(fonts []*sfnt.Font, size float64) (*fallback, error) {
	f := &fallback{fonts: fonts}
	for _, each := range fonts {
		face, err := opentype.NewFace(each, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingNone})
		if err != nil {
			return nil, err
		}
		f.faces = append(f.faces, face)
	}
	return f, nil
}

// index returns the font of a letter, or -1.
func (f *fallback) index(r rune) int {
	for i, each := range f.fonts {
		if hasLetter(each, &f.buf, r) {
			return i
		}
	}
	return -1
}

func (f *fallback) of(r rune) font.Face { return f.faces[max(f.index(r), 0)] }

// The methods of font.Face.

func (f *fallback) Close() error { return nil }

func (f *fallback) Glyph(dot fixed.Point26_6, r rune) (dr image.Rectangle, mask image.Image, maskp image.Point, advance fixed.Int26_6, ok bool) {
	return f.of(r).Glyph(dot, r)
}

func (f *fallback) GlyphBounds(r rune) (fixed.Rectangle26_6, fixed.Int26_6, bool) {
	return f.of(r).GlyphBounds(r)
}

func (f *fallback) GlyphAdvance(r rune) (fixed.Int26_6, bool) { return f.of(r).GlyphAdvance(r) }

func (f *fallback) Kern(a, b rune) fixed.Int26_6 {
	if f.index(a) != f.index(b) {
		return 0
	}
	return f.of(a).Kern(a, b)
}

func (f *fallback) Metrics() font.Metrics { return f.faces[0].Metrics() }
