package dataset

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tree makes empty files, and folders for names that end in a slash.
func tree(t *testing.T, paths ...string) (root string) {
	t.Helper()
	root = t.TempDir()
	for _, p := range paths {
		full := filepath.Join(root, p)
		dir := filepath.Dir(full)
		if strings.HasSuffix(p, "/") {
			dir = full
		}
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(p, "/") {
			if err := os.WriteFile(full, nil, 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	return root
}

func TestImageFolder(t *testing.T) {
	root := tree(t, "b/2.jpg", "b/10.jpg", "B/x.PNG", "a b/sub/deep.webp", "a b/sub2/x.tiff", "a b/z.jpeg", "a b/ant photos.jpg",
		"a b/imageNotFound.gif", "a b/notes.txt", "a b/folder.jpg/y.bmp", "readme.md", "é/1.ppm", "z/1.pgm", "z/.tif")
	f, err := NewImageFolder(root)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"B", "a b", "b", "z", "é"}; !slices.Equal(f.Classes, want) {
		t.Errorf("got classes %q, want %q", f.Classes, want)
	}
	type sample struct {
		Path  string
		Label int
	}
	var got []sample
	for _, s := range f.Samples {
		got = append(got, sample{strings.TrimPrefix(s.Path, root+"/"), s.Label})
	}
	want := []sample{{"B/x.PNG", 0}, {"a b/ant photos.jpg", 1}, {"a b/z.jpeg", 1}, {"a b/folder.jpg/y.bmp", 1}, {"a b/sub/deep.webp", 1},
		{"a b/sub2/x.tiff", 1}, {"b/10.jpg", 2}, {"b/2.jpg", 2}, {"z/.tif", 3}, {"z/1.pgm", 3}, {"é/1.ppm", 4}}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("samples (-got +want):\n%s", diff)
	}
}

func TestOnlySomeClasses(t *testing.T) {
	root := tree(t, "ants/1.jpg", "bees/2.jpg", "bees/3.jpg", "wasps/4.jpg")
	f, err := NewImageFolder(root)
	if err != nil {
		t.Fatal(err)
	}
	some, err := f.Only([]string{"wasps", "bees"})
	if err != nil {
		t.Fatal(err)
	}
	want := &ImageFolder{Root: root, Classes: []string{"bees", "wasps"}, LeftOut: LeftOut{}, Samples: []Sample{
		{Path: filepath.Join(root, "bees/2.jpg")}, {Path: filepath.Join(root, "bees/3.jpg")}, {Path: filepath.Join(root, "wasps/4.jpg"), Label: 1}}}
	if diff := cmp.Diff(some, want, cmp.AllowUnexported(Sample{})); diff != "" {
		t.Errorf("-got +want:\n%s", diff)
	}
	if _, err := f.Only([]string{"bees", "moths"}); err == nil || !strings.Contains(err.Error(), "has no class moths: it has ants, bees, wasps") {
		t.Errorf("error %v", err)
	}
}

func TestImageFolderLinks(t *testing.T) {
	root := tree(t, "a/1.jpg", "elsewhere/c/2.jpg")
	sets := filepath.Join(root, "set")
	for _, l := range [][2]string{{"../elsewhere/c", "linked"}, {"../a", "a"}} {
		os.MkdirAll(sets, 0o777)
		if err := os.Symlink(l[0], filepath.Join(sets, l[1])); err != nil {
			t.Skip(err)
		}
	}
	f, err := NewImageFolder(sets)
	if err != nil || len(f.Samples) != 2 {
		t.Fatalf("got %v, %v, want the pictures of two linked classes", f, err)
	}
	if err := os.Symlink("..", filepath.Join(root, "a", "up")); err != nil {
		t.Fatal(err)
	}
	if _, err := NewImageFolder(root); err == nil || !strings.Contains(err.Error(), "link") {
		t.Errorf("a loop of links: got %v", err)
	}
}

func TestImageFolderErrors(t *testing.T) {
	root := tree(t, "empty/", "flat/1.jpg", "flat/2.jpg", "half/a/1.jpg", "half/b/x.gif", "half/b/y.gif", "half/b/z.gif", "half/b/1.txt",
		"half/b/2.txt", "half/b/3.txt", "ok/train/a/1.jpg", "ok/val/a/1.jpg", "noval/train/a/1.jpg", "other/train/a/1.jpg", "other/val/b/1.jpg")
	open := func(name string) error { _, _, err := Open(filepath.Join(root, name)); return err }
	list := func(name string) error { _, err := NewImageFolder(filepath.Join(root, name)); return err }
	for _, tt := range []struct {
		name string
		err  error
		want []string // parts of the message
	}{
		{"missing", list("nowhere"), []string{"no folder", "nowhere", "found empty/, flat/"}},
		{"empty", list("empty"), []string{"no class folders", "found nothing"}},
		{"flat", list("flat"), []string{"no class folders", "found 1.jpg, 2.jpg"}},
		{"a class without pictures", list("half"), []string{"class b", ".jpeg", "1.txt", "and 1 more"}},
		{"a file", list("flat/1.jpg"), []string{"flat/1.jpg"}},
		{"no root", open("nowhere"), []string{"no folder"}},
		{"no val", open("noval"), []string{"no folder val", "found train/"}},
		{"other classes", open("other"), []string{"only train has a, only val has b"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.err == nil {
				t.Fatal("no error")
			}
			for _, part := range tt.want {
				if !strings.Contains(tt.err.Error(), part) {
					t.Errorf("got %q, want it to tell %q", tt.err, part)
				}
			}
		})
	}
	if err := open("ok"); err != nil {
		t.Error(err)
	}
}

// Broken finds every file that cannot be decoded, and Without leaves these out.
func TestBroken(t *testing.T) {
	root := t.TempDir()
	whole, err := os.ReadFile("testdata/images/420.jpg")
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"a/whole.jpg": whole, "a/cut.jpg": whole[:len(whole)/2], "a/empty.png": nil, "b/text.bmp": []byte("text"), "b/whole.png": whole,
	} {
		path := filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, content, 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Symlink("nowhere", filepath.Join(root, "a/dangling.jpg")), syscall.Mkfifo(filepath.Join(root, "b/pipe.jpg"), 0o666)); err != nil {
		t.Fatal(err)
	}
	f, err := NewImageFolder(root)
	if err != nil {
		t.Fatal(err)
	}
	broken, err := f.Broken(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"a/cut.jpg (class a, sample 0): jpeg: the file is truncated",
		"a/dangling.jpg (class a, sample 1): cannot open it: no such file or directory",
		"a/empty.png (class a, sample 2): the file is empty",
		"b/pipe.jpg (class b, sample 4): cannot read it: not a regular file",
		"b/text.bmp (class b, sample 5): not an image of a known format",
	}
	for i, w := range want {
		if i >= len(broken) || !strings.Contains(broken[i].Error(), w) {
			t.Errorf("broken sample %d is not %q: %v", i, w, broken)
		}
	}
	rest, err := f.Without(broken)
	if err != nil || len(broken) != len(want) || len(rest.Samples) != 2 {
		t.Errorf("%d broken and %d whole samples, error %v", len(broken), len(rest.Samples), err)
	}
	if _, err := rest.Without([]*SampleError{{Index: 1}}); err == nil || !strings.Contains(err.Error(), "class b") {
		t.Errorf("the last picture of a class left out: got error %v", err)
	}
}

// Hidden folders and those of macOS are not classes and hold no pictures; LeftOut counts the files by reason.
func TestLeftOut(t *testing.T) {
	root := tree(t, ".ipynb_checkpoints/ants/1-checkpoint.jpg", "__MACOSX/ants/._1.jpg", "loose.jpg", "read.me", ".DS_Store",
		"ants/1.jpg", "ants/._1.jpg", "ants/.ipynb_checkpoints/1-checkpoint.jpg", "ants/a.gif", "ants/b.GIF", "ants/c.heic", "ants/sub/d.gif",
		"ants/Thumbs.db", "ants/README", "bees/2.jpg", "bees/__MACOSX/3.jpg")
	f, err := NewImageFolder(root)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"ants", "bees"}; !slices.Equal(f.Classes, want) || len(f.Samples) != 2 {
		t.Errorf("got classes %q and %d samples, want %q and 2", f.Classes, len(f.Samples), want)
	}
	const want = "3 .gif, 2 in __MACOSX folders, 2 in hidden folders, 1 .heic, 1 .me, 1 beside the class folders, 1 macOS resource files (._*), 1 without an ending"
	if got := f.LeftOut.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Class names that cannot be written or told apart are refused, and the message shows how they differ.
func TestClassNames(t *testing.T) {
	for _, tt := range []struct{ a, b, want string }{
		{"caf\u00e9", "cafe\u0301", `the class folders "cafe\u0301" and "caf\u00e9" look the same`},
		{"ants", "ants ", `the class folders "ants" and "ants " look the same`},
		{"ants", "an\u200bts", `the class folders "ants" and "an\u200bts" look the same`},
		{"a b", "a\u00a0b", `the class folders "a b" and "a\u00a0b" look the same`},
		{"ants", "bees\xff", `the name of the class folder "bees\xff" is not UTF-8`},
		{"ants", "Ants", ""},
	} {
		if _, err := NewImageFolder(tree(t, tt.a+"/1.jpg", tt.b+"/2.jpg")); err == nil && tt.want != "" || err != nil && (tt.want == "" || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%q and %q: got %v, want %q", tt.a, tt.b, err, tt.want)
		}
	}
	if _, _, err := Open(tree(t, "train/caf\u00e9/1.jpg", "val/cafe\u0301/1.jpg")); err == nil || !strings.Contains(err.Error(), `only train has café, only val has "cafe\u0301"`) {
		t.Errorf("got %v", err)
	}
}
