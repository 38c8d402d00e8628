package check

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	ximage "golang.org/x/image/draw"

	"hymenoptera/dataset"
	"hymenoptera/internal/synth"
)

// drawn returns a folder of drawn ants and bees.
func drawn(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := synth.Write(dir, synth.Config{Seed: 3, Train: 12, Val: 6, MinSide: 120, MaxSide: 200}); err != nil {
		t.Fatal(err)
	}
	return dir
}

func run(t *testing.T, dir string) *Report {
	t.Helper()
	r, err := Run(context.Background(), Options{Data: dir, Workers: 3}, Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
}

func decoded(t *testing.T, path string) image.Image {
	t.Helper()
	m, _, err := image.Decode(bytes.NewReader(read(t, path)))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func asJPEG(t *testing.T, m image.Image, quality int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asPNG(t *testing.T, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// scaled returns a part of a picture in another size.
func scaled(m image.Image, part image.Rectangle, w, h int) image.Image {
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	ximage.CatmullRom.Scale(out, out.Bounds(), m, part, draw.Src, nil)
	return out
}

func TestCleanSetHasNoFindings(t *testing.T) {
	dir := drawn(t)
	r := run(t, dir)
	r.Seconds = 0
	want := &Report{Data: dir, Classes: []string{"ants", "bees"}, Sets: []Set{{"train", []int{12, 12}}, {"val", []int{6, 6}}}, LeftOut: r.LeftOut}
	if len(r.LeftOut) > 0 || !reflect.DeepEqual(r, want) {
		t.Errorf("got %+v", r)
	}
	if r.Pictures() != 36 || r.Serious() || len(r.LeaveOut()) > 0 {
		t.Errorf("%d pictures, to leave out %q", r.Pictures(), r.LeaveOut())
	}
}

func TestCopies(t *testing.T) {
	dir := drawn(t)
	at := func(path string) string { return filepath.Join(dir, path) }
	original := func(path string) (image.Image, image.Rectangle) {
		m := decoded(t, at(path))
		return m, m.Bounds()
	}
	write(t, at("train/ants/same.jpg"), read(t, at("train/ants/001.jpg")))
	m, _ := original("train/ants/002.jpg")
	write(t, at("train/bees/again.jpg"), asJPEG(t, m, 60))
	m, b := original("val/bees/003.jpg")
	write(t, at("train/bees/resized.png"), asPNG(t, scaled(m, b, b.Dx()*3/5, b.Dy()*3/5)))
	m, b = original("train/bees/005.jpg")
	part := image.Rect(b.Dx()/10, b.Dy()/5, b.Dx()*9/10, b.Dy()*19/20)
	write(t, at("train/bees/cropped.jpg"), asJPEG(t, scaled(m, part, part.Dx(), part.Dy()), 80))
	r := run(t, dir)
	type group struct {
		exact, leak, classes bool
		paths, out           string
	}
	var got []group
	for _, g := range r.Copies {
		var paths, out []string
		for _, p := range g.Pictures {
			paths = append(paths, p.Path)
			if p.LeaveOut {
				out = append(out, p.Path)
			}
		}
		got = append(got, group{g.Exact, g.Leak, g.Classes, strings.Join(paths, " "), strings.Join(out, " ")})
		if g.Alike < leastSame || g.Alike > 1 || g.Exact != (g.Alike == 1) {
			t.Errorf("%q are alike to %v", paths, g.Alike)
		}
	}
	want := []group{
		{false, true, false, "train/bees/resized.png val/bees/003.jpg", "train/bees/resized.png"},
		{false, false, true, "train/ants/002.jpg train/bees/again.jpg", "train/ants/002.jpg train/bees/again.jpg"},
		{true, false, false, "train/ants/001.jpg train/ants/same.jpg", "train/ants/same.jpg"},
		{false, false, false, "train/bees/005.jpg train/bees/cropped.jpg", "train/bees/cropped.jpg"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	if !r.Serious() {
		t.Error("copies on both sides of the split are not serious")
	}
	if got := r.LeaveOut(); len(got) != 5 {
		t.Errorf("to leave out %q", got)
	}
}

// withExif puts EXIF data after the first marker of a JPEG file: an orientation, and a time unless it is "".
func withExif(file []byte, orientation uint16, taken string) []byte {
	tiff := []byte("II*\x00\x08\x00\x00\x00\x02\x00")
	tiff = append(tiff, 0x12, 0x01, 3, 0, 1, 0, 0, 0, byte(orientation), 0, 0, 0)
	tiff = append(tiff, 0x69, 0x87, 4, 0, 1, 0, 0, 0, 38, 0, 0, 0, 0, 0, 0, 0)
	tiff = append(tiff, 1, 0, 0x03, 0x90, 2, 0, 20, 0, 0, 0, 56, 0, 0, 0, 0, 0, 0, 0)
	tiff = append(append(tiff, taken...), 0)
	content := append([]byte("Exif\x00\x00"), tiff...)
	out := append([]byte{}, file[:2]...)
	out = append(out, 0xff, 0xe1, 0, 0)
	binary.BigEndian.PutUint16(out[4:], uint16(len(content)+2))
	return append(append(out, content...), file[2:]...)
}

// frames returns pictures of the same scene with different texture.
func frames(t *testing.T, n int) (files [][]byte) {
	t.Helper()
	for k := range n {
		r := rand.New(rand.NewPCG(1, uint64(k)))
		m := image.NewRGBA(image.Rect(0, 0, 160, 120))
		for y := range 120 {
			for x := range 160 {
				v := 40*((x/40+y/40)%3) + 60 + r.IntN(80)
				if (x-60)*(x-60)+(y-50)*(y-50) < 900 {
					v += 60
				}
				m.Set(x, y, color.RGBA{uint8(min(v, 255)), uint8(min(v, 255)), uint8(v / 2), 255})
			}
		}
		files = append(files, asJPEG(t, m, 90))
	}
	return files
}

func TestBursts(t *testing.T) {
	dir := drawn(t)
	f := frames(t, 4)
	at := func(path string) string { return filepath.Join(dir, path) }
	write(t, at("train/ants/IMG_0101.jpg"), withExif(f[0], 1, "2024:05:01 10:00:00"))
	write(t, at("val/ants/IMG_0102.jpg"), withExif(f[1], 1, "2024:05:01 10:00:02"))
	write(t, at("train/ants/IMG_0103.jpg"), withExif(f[2], 1, "2024:05:01 10:02:00"))
	write(t, at("train/ants/other.jpg"), withExif(f[3], 1, ""))
	r := run(t, dir)
	if len(r.Copies) > 0 || len(r.Bursts) != 1 || len(r.Bursts[0].Pictures) != 2 || !r.Serious() {
		t.Fatalf("copies %+v, bursts %+v", r.Copies, r.Bursts)
	}
	if got := r.LeaveOut(); !slices.Equal(got, []string{"train/ants/IMG_0101.jpg"}) {
		t.Errorf("to leave out %q", got)
	}
	for _, name := range []string{"train/ants/IMG_0101.jpg", "val/ants/IMG_0102.jpg", "train/ants/IMG_0103.jpg"} {
		write(t, at(name), f[slices.Index([]byte("123"), name[len(name)-5])]) // without times
	}
	if r := run(t, dir); len(r.Bursts) != 1 || len(r.Bursts[0].Pictures) != 3 {
		t.Errorf("by names: bursts %+v", r.Bursts)
	}
	if err := os.Rename(at("train/ants/IMG_0103.jpg"), at("val/ants/IMG_0103.jpg")); err != nil {
		t.Fatal(err)
	}
	r = run(t, dir)
	if got := r.LeaveOut(); len(r.Bursts) != 1 || !slices.Equal(got, []string{"train/ants/IMG_0101.jpg"}) {
		t.Errorf("two in val: bursts %+v, to leave out %q", r.Bursts, got)
	}
}

func TestFilesAndSizes(t *testing.T) {
	dir := drawn(t)
	at := func(path string) string { return filepath.Join(dir, path) }
	m := decoded(t, at("train/ants/000.jpg"))
	write(t, at("train/ants/000.jpg"), withExif(read(t, at("train/ants/000.jpg")), 6, ""))
	write(t, at("train/ants/\x1b[31m.jpg"), []byte("<html>not a picture"))
	write(t, at("train/ants/empty.png"), nil)
	write(t, at("train/ants/notes.txt"), []byte("x"))
	write(t, at("train/ants/.thumbs/1.jpg"), asJPEG(t, m, 80))
	write(t, at("train/ants/small.png"), asPNG(t, scaled(m, m.Bounds(), 30, 40)))
	write(t, at("train/ants/long.png"), asPNG(t, scaled(m, m.Bounds(), 500, 70)))
	r := run(t, dir)
	var bad []string
	for _, u := range r.Unreadable {
		bad = append(bad, u.Path+": "+u.Reason)
	}
	if len(bad) != 2 || !strings.HasPrefix(bad[0], "train/ants/\x1b[31m.jpg: text (HTML") || !strings.HasPrefix(bad[1], "train/ants/empty.png: the file is empty") {
		t.Errorf("unreadable: %q", bad)
	}
	if got, want := r.Rotated, []string{"train/ants/000.jpg"}; !slices.Equal(got, want) {
		t.Errorf("rotated: %q", got)
	}
	if want := []OddSize{{"train/ants/long.png", 500, 70, false, true}, {"train/ants/small.png", 30, 40, true, false}}; !slices.Equal(r.Sizes, want) {
		t.Errorf("sizes: %v", r.Sizes)
	}
	if want := []string{"train/ants/.thumbs"}; !slices.Equal(r.Hidden, want) {
		t.Errorf("hidden: %q", r.Hidden)
	}
	if r.LeftOut["in hidden folders"] != 1 || r.LeftOut[".txt"] != 1 {
		t.Errorf("left out: %v", r.LeftOut)
	}
	if !r.Serious() {
		t.Error("unreadable files are not serious")
	}
}

// hidden finds hidden folders if the folder, or one of a class, is a link.
func TestHiddenBehindLinks(t *testing.T) {
	dir, classes := drawn(t), t.TempDir()
	write(t, filepath.Join(dir, "train/ants/.thumbs/1.jpg"), nil)
	write(t, filepath.Join(dir, "train/.cache/1.jpg"), nil)
	if err := os.Symlink(filepath.Join(dir, "train/ants"), filepath.Join(classes, "ants")); err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(filepath.Join(dir, "train"), root); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string][]string{root: {".cache", "ants/.thumbs"}, classes: {"ants/.thumbs"}} {
		if got := run(t, path).Hidden; !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}

func TestGreyClass(t *testing.T) {
	dir := drawn(t)
	files, err := filepath.Glob(filepath.Join(dir, "train/bees/*.jpg"))
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, f := range files {
		m := decoded(t, f)
		grey := image.NewGray(m.Bounds())
		draw.Draw(grey, m.Bounds(), m, image.Point{}, draw.Src)
		write(t, f, asJPEG(t, grey, 90))
	}
	if got, want := run(t, dir).Grey, []Grey{{"train", "bees", 12, 12, 12, 0}}; !slices.Equal(got, want) {
		t.Errorf("got %+v", got)
	}
}

func TestLayouts(t *testing.T) {
	dir := drawn(t)
	r := run(t, filepath.Join(dir, "train"))
	if r.Pictures() != 24 || len(r.Sets) != 1 || r.Sets[0].Name != "" {
		t.Errorf("class folders: %+v", r)
	}
	if err := os.Rename(filepath.Join(dir, "val/bees"), filepath.Join(dir, "val/wasps")); err != nil {
		t.Fatal(err)
	}
	if got, want := run(t, dir).OnlyIn, []Missing{{"bees", "train"}, {"wasps", "val"}}; !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	val := t.TempDir()
	if err := os.Rename(filepath.Join(dir, "val"), filepath.Join(val, "val")); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(context.Background(), Options{Data: val}, Hooks{}); err == nil || !strings.Contains(err.Error(), "has a folder val, but no folder train") {
		t.Errorf("val without train: got %v", err)
	}
	for _, path := range []string{t.TempDir(), filepath.Join(dir, "none"), filepath.Join(dir, "train/ants/000.jpg")} {
		if _, err := Run(context.Background(), Options{Data: path}, Hooks{}); err == nil {
			t.Errorf("%s: no error", path)
		}
	}
}

func TestRunStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	hooks := Hooks{Read: func(done, n int) {
		if done == 3 {
			cancel()
		}
	}}
	if _, err := Run(ctx, Options{Data: drawn(t), Workers: 2}, hooks); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestNumber(t *testing.T) {
	for name, want := range map[string]numbered{
		"a/IMG_0012.jpg": {"IMG_", 12}, "007.png": {"", 7}, "bee.jpg": {"bee", -1}, "a1b2": {"a1b", 2},
		"99999999999999999999.jpg": {"", -1},
	} {
		if got := number(name); got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

func TestListIsReadAsWritten(t *testing.T) {
	paths := []string{"train/ants/1.jpg", "# no comment.jpg", `"quoted".jpg`, " space.jpg ", "line\nbreak.jpg", "tab\t.jpg", "ümläut.jpg", "bad\xff.jpg", `back\slash.jpg`, "\u202eturned.jpg"}
	var b bytes.Buffer
	if err := WriteList(&b, paths); err != nil {
		t.Fatal(err)
	}
	entries, err := ReadList(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Path)
	}
	if !slices.Equal(got, paths) {
		t.Errorf("got %q\nwant %q", got, paths)
	}
	for text, line := range map[string]int{"a\n\"b\n": 2, "\"\\q\"": 1, "a\x00b": 1} {
		if _, err := ReadList([]byte(text)); err == nil || !strings.HasPrefix(err.Error(), fmt.Sprintf("line %d: ", line)) {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

// A list from elsewhere gives an error, or paths that can be written and read again.
func FuzzReadList(f *testing.F) {
	for _, seed := range []string{"a\n# b\n\"c\\n\"\n", "\"", "\r\n", "a\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, err := ReadList(data)
		if err != nil {
			return
		}
		var paths []string
		for _, e := range entries {
			paths = append(paths, e.Path)
		}
		var b bytes.Buffer
		if err := WriteList(&b, paths); err != nil {
			t.Fatal(err)
		}
		again, err := ReadList(b.Bytes())
		if err != nil || len(again) != len(paths) {
			t.Fatalf("%q: %v", paths, err)
		}
		for i := range again {
			if again[i].Path != paths[i] {
				t.Errorf("got %q, want %q", again[i].Path, paths[i])
			}
		}
	})
}

func TestTogether(t *testing.T) {
	dir := filepath.Join(drawn(t), "train")
	at := func(path string) string { return filepath.Join(dir, path) }
	write(t, at("ants/zz.jpg"), read(t, at("bees/003.jpg")))
	f := frames(t, 2)
	write(t, at("bees/b1.jpg"), f[0])
	write(t, at("bees/b2.jpg"), f[1])
	folder, err := dataset.NewImageFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	groups, err := Together(context.Background(), folder, 2)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range groups {
		for _, i := range g {
			got = append(got, relative(dir, folder.Samples[i].Path))
		}
		got = append(got, "")
	}
	if want := []string{"ants/zz.jpg", "bees/003.jpg", "", "bees/b1.jpg", "bees/b2.jpg", ""}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}
