package classify_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hymenoptera/classify"
)

func TestSorter(t *testing.T) {
	dir := t.TempDir()
	put := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	first, second := put("a/x.jpg", "\xff\xd8\xffone"), put("b/x.jpg", "\xff\xd8\xfftwo")
	for _, link := range []bool{false, true} {
		out := filepath.Join(dir, "copied")
		if link {
			out = filepath.Join(dir, "linked")
		}
		for range 2 { // the second time nothing changes
			s, err := classify.NewSorter(out, []string{"ants", "bees"}, link)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []struct {
				picture string
				class   int
				path    string
			}{{first, 0, "ants/x.jpg"}, {second, 0, "ants/x-6b053d90.jpg"}, {second, 1, "bees/x.jpg"}} {
				got, err := s.Put(want.picture, want.class)
				if err != nil || got != filepath.Join(out, want.path) {
					t.Errorf("%s: got %s, %v, want %s", want.picture, got, err, want.path)
				}
				a, _ := os.Stat(want.picture)
				b, err := os.Stat(got)
				if err != nil || os.SameFile(a, b) != link || a.Size() != b.Size() {
					t.Errorf("%s is not a copy (link %v): %v", got, link, err)
				}
			}
		}
		// Put does not replace another picture with the same name, with and without the digits.
		if err := os.WriteFile(filepath.Join(out, "bees/x-47047588.jpg"), []byte("mine"), 0o666); err != nil {
			t.Fatal(err)
		}
		s, err := classify.NewSorter(out, []string{"ants", "bees"}, link)
		if err != nil {
			t.Fatal(err)
		}
		if path, err := s.Put(first, 1); err == nil || !strings.Contains(err.Error(), "x-47047588.jpg is another picture") {
			t.Errorf("got %s, %v", path, err)
		}
		all, err := filepath.Glob(filepath.Join(out, "*", "*"))
		if err != nil || len(all) != 4 {
			t.Errorf("got the files %v, %v, want 4", all, err)
		}
	}
}

// A class's name comes from a file and must not lead out of the folder.
func TestSorterRefusesNames(t *testing.T) {
	for _, class := range []string{"..", "../x", "/tmp", "a/b", `a\b`, "", ".", "a\x00b"} {
		if _, err := classify.NewSorter(filepath.Join(t.TempDir(), "out"), []string{class}, false); err == nil {
			t.Errorf("class %q: no error", class)
		}
	}
}
