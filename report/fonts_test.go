package report

import (
	"image"
	"image/color"
	"path/filepath"
	"strings"
	"testing"
)

const armenian = "\u0544\u0565\u0572\u0578\u0582" // a bee

// ownFonts makes folder the only folder of fonts besides the system's.
func ownFonts(t *testing.T, folder string) {
	t.Helper()
	path, err := filepath.Abs(folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_DATA_HOME", path)
}

func TestNamesOfOtherScripts(t *testing.T) {
	ownFonts(t, "testdata")
	names := []string{"ants", armenian, "\u0646\u0645\u0644", "a\u0301nts"} // Armenian, Arabic, and a combining accent
	face := newTypeface(12, false, names...)
	for i, want := range []bool{true, true, false, false} {
		if got := face.has(names[i]); got != want {
			t.Errorf("%q can be written: %v, want %v", names[i], got, want)
		}
	}
	labels := face.labels(names, 200)
	if labels[1] != armenian || labels[2] != "#3" || labels[3] != "#4" {
		t.Errorf("labels %q", labels)
	}
	legend := face.legend(names, labels, 2000)
	if len(legend) != 2 || !strings.HasPrefix(legend[0], "#3: no font here can write the name") {
		t.Errorf("legend %q", legend)
	}
	// The letters are drawn, not the box of a missing one.
	drawn := func(s string) (n int) {
		img := image.NewRGBA(image.Rect(0, 0, 100, 30))
		face.write(img, 0, 0, s, color.Black)
		for _, v := range img.Pix {
			n += int(v)
		}
		return n
	}
	for _, r := range armenian {
		if drawn(string(r)) == 0 || drawn(string(r)) == drawn("\uffff") {
			t.Errorf("%q is not drawn", r)
		}
	}
}

func TestLegendOfLongNames(t *testing.T) {
	long := strings.Repeat("the black garden ant ", 8)
	names := []string{long + "a", long + "b"}
	face := newTypeface(12, false, names...)
	legend := face.legend(names, face.labels(names, 100), 5000)
	if len(legend) != 2 || legend[0] != "#1 is "+names[0] {
		t.Errorf("legend %q", legend)
	}
	var many []string
	for range 40 {
		many = append(many, "\u0646")
	}
	if legend := face.legend(many, face.labels(many, 100), 5000); len(legend) != 13 || !strings.Contains(legend[12], "the others") {
		t.Errorf("legend of 40 classes %q", legend)
	}
}

// The images of a batch stay as they are, each above its name.
func TestGridPictureKeepsPixels(t *testing.T) {
	for _, n := range []int{1, 3, 8, 10, 17} {
		const h, w = 9, 12
		columns, rows := gridShape(n)
		grid := image.NewRGBA(image.Rect(0, 0, columns*(w+gridPadding)+gridPadding, rows*(h+gridPadding)+gridPadding))
		if n == 1 {
			grid = image.NewRGBA(image.Rect(0, 0, w, h))
		}
		for i := range grid.Pix {
			grid.Pix[i] = byte(i*i/7 + i)
		}
		labels := make([]int, n)
		out := GridPicture(grid, labels, []string{"a"})
		face := newTypeface(letterSize(w+gridPadding), false)
		for i := range n {
			from := image.Pt(i%columns*(w+gridPadding)+gridPadding, i/columns*(h+gridPadding)+gridPadding)
			if n == 1 {
				from = image.Point{}
			}
			found := false // at some height
			for y := range out.Rect.Dy() - h + 1 {
				same := true
				for dy := range h {
					for dx := range w {
						same = same && out.RGBAAt(face.height()/2+from.X+dx, y+dy) == grid.RGBAAt(from.X+dx, from.Y+dy)
					}
				}
				found = found || same
			}
			if !found {
				t.Errorf("batch of %d: image %d is not in the picture", n, i)
			}
		}
	}
}
