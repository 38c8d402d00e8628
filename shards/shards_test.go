package shards_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hymenoptera/dataset"
	"hymenoptera/shards"
)

// A file is a member of a shard.
type file struct{ name, content string }

// archive returns a tar file.
func archive(t *testing.T, files ...file) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.content))}); err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, f.content)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// folder writes files into a new folder.
func folder(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, content, 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// pixel returns a picture of one pixel, as PNM.
func pixel(red byte) string { return "P6 1 1 255\n" + string([]byte{red, 1, 2}) }

// contents returns class and content of the samples of a set, by their path below its folder.
func contents(t *testing.T, f *dataset.ImageFolder) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, s := range f.Samples {
		data, err := s.Read(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		out[strings.TrimPrefix(s.Path, f.Root+"/")] = f.Classes[s.Label] + " " + string(data)
	}
	return out
}

// pictures writes a set of two classes with names that are hard to pack.
func pictures(t *testing.T) string {
	long := strings.Repeat("long", 40)
	files := map[string][]byte{}
	for i, name := range []string{"train/red ants/a.ppm", "train/red ants/a.PNM.ppm", "train/red ants/a.jpg", "train/red ants/sub/a.ppm", "train/bees/" + long + ".ppm",
		"train/bees/ü b.ppm", "val/red ants/x.y.z.ppm", "val/bees/x.ppm"} {
		files[name] = []byte(pixel(byte(i)))
	}
	return folder(t, files)
}

func open(t *testing.T, dir string) (train, val *dataset.ImageFolder) {
	t.Helper()
	train, val, err := shards.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return train, val
}

func pack(t *testing.T, bytes int64) (dir string) {
	t.Helper()
	train, val, err := dataset.Open(pictures(t))
	if err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(t.TempDir(), "packed")
	o := shards.DefaultPackOptions()
	o.Bytes = bytes
	if _, err := shards.Pack(t.Context(), dir, train, val, o); err != nil {
		t.Fatal(err)
	}
	return dir
}

// A packed set has the same pictures and classes, opened by its index or by reading its shards.
func TestPackedSetIsTheSame(t *testing.T) {
	for _, size := range []int64{1, 1e6} {
		dir := pack(t, size)
		names, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil {
			t.Fatal(err)
		}
		if want := map[int64]int{1: 9, 1e6: 3}[size]; len(names) != want {
			t.Errorf("shards of %d bytes: got files %q, want %d", size, names, want)
		}
		var byIndex [2]map[string]string
		for i := range 2 {
			train, val := open(t, dir)
			if want := []string{"bees", "red ants"}; !slices.Equal(train.Classes, want) || !slices.Equal(val.Classes, want) {
				t.Errorf("got classes %q and %q, want %q", train.Classes, val.Classes, want)
			}
			all := contents(t, train)
			maps.Copy(all, contents(t, val))
			byIndex[i] = all
			if err := os.Remove(filepath.Join(dir, shards.IndexFile)); i == 0 && err != nil {
				t.Fatal(err)
			}
		}
		if !maps.Equal(byIndex[0], byIndex[1]) {
			t.Errorf("with the index %q, without it %q", byIndex[0], byIndex[1])
		}
		got := map[string]string{}
		for name, content := range byIndex[0] {
			_, name, _ = strings.Cut(name, "/") // of the shard
			got[name] = content
		}
		want := map[string]string{
			"bees/" + strings.Repeat("long", 40) + ".ppm": "bees " + pixel(4), "bees/ü b.ppm": "bees " + pixel(5), "bees/x.ppm": "bees " + pixel(7), "red ants/x_y_z.ppm": "red ants " + pixel(6),
			// Each key has one picture.
			"red ants/a_PNM.ppm": "red ants " + pixel(1), "red ants/a.ppm": "red ants " + pixel(3), "red ants/a-2.jpg": "red ants " + pixel(2), "red ants/a-3.ppm": "red ants " + pixel(0)}
		if diff := cmp.Diff(got, want); diff != "" {
			t.Errorf("-got +want:\n%s", diff)
		}
	}
}

// Shards of other programs are read, in the layouts that WebDataset reads.
func TestForeignLayouts(t *testing.T) {
	png := pixel(9)
	for _, tt := range []struct {
		name    string
		train   []file
		classes []string
		labels  []int
	}{
		{"numbers", []file{{"0001.jpg", png}, {"0001.cls", "10"}, {"0002.cls", "2\n"}, {"0002.jpg", png}, {"0002.json", "{}"}, {"readme", ""}}, []string{"2", "10"}, []int{1, 0}},
		{"names", []file{{"x/1.png", png}, {"x/1.cls", "wasp"}, {"x/2.input.JPG", png}, {"x/2.cls", "ant"}}, []string{"ant", "wasp"}, []int{1, 0}},
		{"folders", []file{{"./b/1.jpg", png}, {"./a/1.jpg", png}, {"./a/.hidden.jpg", png}, {"set/train/a/2.jpg", png}}, []string{"a", "b"}, []int{1, 0, 0}},
		{"folders and numbers", []file{{"b/1.jpg", png}, {"b/1.cls", "0"}, {"a/1.jpg", png}, {"a/1.cls", "1"}}, []string{"b", "a"}, []int{0, 1}},
		{"folders that are no classes", []file{{"b/1.jpg", png}, {"b/1.cls", "0"}, {"b/2.jpg", png}, {"b/2.cls", "1"}}, []string{"0", "1"}, []int{0, 1}},
		{"one class", []file{{"1.jpg", png}, {"1.cls", "0"}}, []string{"0"}, []int{0}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			data := archive(t, tt.train...)
			dir := folder(t, map[string][]byte{"train-1.tar": data, "val-1.tar": data, "other.tar": nil})
			train, val := open(t, dir)
			var labels []int
			for _, s := range train.Samples {
				labels = append(labels, s.Label)
			}
			if !slices.Equal(train.Classes, tt.classes) || !slices.Equal(labels, tt.labels) || len(val.Samples) != len(labels) {
				t.Errorf("got classes %q and labels %v, want %q and %v", train.Classes, labels, tt.classes, tt.labels)
			}
			for name, content := range contents(t, train) {
				if !strings.HasSuffix(content, png) {
					t.Errorf("%s: got %q", name, content)
				}
			}
			if _, err := shards.Reindex(t.Context(), dir, func(int, int) {}); err != nil {
				t.Fatal(err)
			}
			again, _ := open(t, dir)
			if !maps.Equal(contents(t, train), contents(t, again)) || !slices.Equal(again.Classes, tt.classes) {
				t.Error("the set is another with its index")
			}
		})
	}
}

// Every fault is an error that names the shard and the offset.
func TestFaultyShards(t *testing.T) {
	good := archive(t, file{"a/1.jpg", pixel(1)}, file{"a/2.jpg", pixel(2)})
	damaged := slices.Clone(good)
	damaged[1024] ^= 1 // in the name of the second
	link := func(kind byte) []byte {
		var out bytes.Buffer
		w := tar.NewWriter(&out)
		if err := errors.Join(w.WriteHeader(&tar.Header{Name: "a/2.jpg", Linkname: "a/1.jpg", Typeflag: kind}), w.Close()); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	// A file with holes, as tar --sparse --format=pax writes it: package tar writes no such records, so others are renamed.
	sparse := func(records map[string]string) []byte {
		var out bytes.Buffer
		w := tar.NewWriter(&out)
		err := w.WriteHeader(&tar.Header{Name: "a/2.jpg", Size: 1, PAXRecords: records})
		_, content := w.Write([]byte("x"))
		if err := errors.Join(err, content, w.Close()); err != nil {
			t.Fatal(err)
		}
		return bytes.ReplaceAll(out.Bytes(), []byte("XXX.sparse."), []byte("GNU.sparse."))
	}
	for _, tt := range []struct {
		name string
		data []byte
		want string
	}{
		{"sparse 0.0", sparse(map[string]string{"XXX.sparse.size": "9", "XXX.sparse.numblocks": "1"}), "train-1.tar: at offset 1536: a/2.jpg is a sparse file: write the shard without --sparse"},
		{"sparse 0.1", sparse(map[string]string{"XXX.sparse.size": "9", "XXX.sparse.map": "0,1", "XXX.sparse.numblocks": "1"}), "a/2.jpg is a sparse file"},
		{"hard link", link(tar.TypeLink), "train-1.tar: at offset 512: a/2.jpg is a link: write the shard with --dereference --hard-dereference"},
		{"symbolic link", link(tar.TypeSymlink), "a/2.jpg is a link"},
		{"damaged header", damaged, "train-1.tar: at offset 512: the tar file is damaged or cut short: archive/tar: invalid tar header"},
		{"cut in a header", good[:1024+100], "train-1.tar: at offset 512: the tar file is damaged or cut short: unexpected EOF"},
		{"cut in a picture", good[:1536+5], "train-1.tar: at offset 1536: the tar file is cut short: a/2.jpg has 14 bytes"},
		{"no tar file", []byte(strings.Repeat("x", 600)), "train-1.tar: at offset 0: the tar file is damaged or cut short"},
		{"no class", archive(t, file{"1.jpg", ""}), "train-1.tar: at offset 512: 1.jpg has no class: want 1.cls beside it, or a folder per class"},
		{"one without a class", archive(t, file{"a/1.jpg", ""}, file{"a/1.cls", "0"}, file{"a/2.jpg", ""}), "train-1.tar: at offset 2048: a/2.jpg has no class: want a/2.cls beside it, as others have"},
		{"two pictures", archive(t, file{"1.left.jpg", ""}, file{"1.right.jpg", ""}, file{"1.cls", "0"}), "train-1.tar: at offset 512: 1.left.jpg has no class"},
		{"two pictures of a class", archive(t, file{"1.left.jpg", ""}, file{"1.cls", "0"}, file{"1.right.jpg", ""}), "train-1.tar: at offset 2048: 1.left.jpg and 1.right.jpg are both pictures of 1: want one per key"},
		{"empty class", archive(t, file{"1.cls", " "}), "train-1.tar: at offset 512: 1.cls: it is empty: want a class"},
		{"long class", archive(t, file{"1.cls", strings.Repeat("9", 1001)}), "train-1.tar: at offset 512: 1.cls: 1001 bytes are too many for a class"},
		{"no picture", archive(t, file{"readme", ""}), "no pictures in train-*.tar"},
	} {
		dir := folder(t, map[string][]byte{"train-1.tar": tt.data, "val-1.tar": good})
		_, _, err := shards.Open(t.Context(), dir)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got error %v, want %q in it", tt.name, err, tt.want)
		}
	}
}

// A picture that was damaged after its shard was listed is named with its shard and offset, and the others stay usable.
func TestPictureIsDamaged(t *testing.T) {
	dir := pack(t, 1e6)
	path := filepath.Join(dir, "train-000000.tar")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	train, _ := open(t, dir)
	first := train.Samples[0]
	for _, tt := range []struct {
		name  string
		spoil func(data []byte)
		want  string
	}{
		{"content", func(data []byte) { copy(data[512:], "XX") }, "not an image of a known format"},
		{"header", func(data []byte) { data[0] ^= 1 }, "the shard has no file of 14 bytes there: it is damaged, or not the one that was listed"},
	} {
		data := slices.Clone(whole)
		tt.spoil(data)
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
		broken, err := train.Broken(t.Context(), 2)
		want := fmt.Sprintf("dataset: %s (class %s, sample 0): at offset 512: %s", first.Path, train.Classes[first.Label], tt.want)
		if err != nil || len(broken) != 1 || !strings.HasPrefix(broken[0].Error(), want) {
			t.Errorf("%s: got %v, error %v, want %s", tt.name, broken, err, want)
		}
	}
	if err := os.Truncate(path, 600); err != nil {
		t.Fatal(err)
	}
	if broken, err := train.Broken(t.Context(), 2); err != nil || len(broken) < 5 || !strings.Contains(broken[4].Error(), "the shard ends before it") {
		t.Errorf("cut: got %v, error %v", broken, err)
	}
}

// Open refuses an index that does not match its shards.
func TestStaleIndex(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(dir string) error
		want   string
	}{
		{"longer", func(dir string) error { return os.Truncate(filepath.Join(dir, "val-000000.tar"), 1e5) }, "lists val-000000.tar with"},
		{"gone", func(dir string) error { return os.Remove(filepath.Join(dir, "val-000000.tar")) }, "lists val-000000.tar, which is not there"},
		{"new", func(dir string) error { return os.WriteFile(filepath.Join(dir, "val-1.tar"), nil, 0o666) }, "does not list val-1.tar"},
	} {
		dir := pack(t, 1e6)
		if err := tt.change(dir); err != nil {
			t.Fatal(err)
		}
		_, _, err := shards.Open(t.Context(), dir)
		if stale := (*shards.StaleError)(nil); !errors.As(err, &stale) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got error %v, want %q in it", tt.name, err, tt.want)
		}
	}
}

// Pack leaves nothing of a set that cannot be packed completely.
func TestPackFails(t *testing.T) {
	source := pictures(t)
	train, val, err := dataset.Open(source)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(val.Samples[0].Path); err != nil {
		t.Fatal(err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	parent := t.TempDir()
	full := folder(t, map[string][]byte{"x": nil})
	for _, tt := range []struct {
		name, out string
		ctx       context.Context
		want      string
	}{
		{"a picture is gone", filepath.Join(parent, "out"), t.Context(), val.Samples[0].Path},
		{"cancelled", filepath.Join(parent, "out"), ended, "context canceled"},
		{"a folder with files", full, t.Context(), full + " is there: want the name of a new folder"},
		{"no parent", filepath.Join(parent, "none", "out"), t.Context(), "no such file or directory"},
	} {
		_, err := shards.Pack(tt.ctx, tt.out, train, val, shards.DefaultPackOptions())
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got error %v, want %q in it", tt.name, err, tt.want)
		}
	}
	if left, err := os.ReadDir(parent); err != nil || len(left) > 0 {
		t.Errorf("left %v, error %v", left, err)
	}
}

// A folder with class folders does not hold shards, even with tar files beside them.
func TestIn(t *testing.T) {
	for _, tt := range []struct {
		files []string
		want  bool
	}{
		{[]string{"train-0.tar"}, true},
		{[]string{"val-0.tar"}, true},
		{[]string{"shards.jsonl"}, true},
		{[]string{"train.tar", "x-train-0.tar", "train-0.tgz"}, false},
		{[]string{"train/a/1.jpg", "train-0.tar"}, false},
	} {
		files := map[string][]byte{}
		for _, name := range tt.files {
			files[name] = nil
		}
		if got := shards.In(folder(t, files)); got != tt.want {
			t.Errorf("%q: got %v, want %v", tt.files, got, tt.want)
		}
	}
}

// A hostile tar file is an error, or gives a set whose samples are inside the file.
func FuzzOpen(f *testing.F) {
	var long bytes.Buffer
	w := tar.NewWriter(&long)
	w.WriteHeader(&tar.Header{Name: strings.Repeat("long/", 60) + "1.jpg", Size: 1, PAXRecords: map[string]string{"HYMENOPTERA.x": "y"}})
	w.Write([]byte("x"))
	w.Close()
	f.Add(long.Bytes())
	good := func() []byte {
		var out bytes.Buffer
		w := tar.NewWriter(&out)
		for _, name := range []string{"a/1.jpg", "a/1.cls", "b/2.jpg", "b/2.cls"} {
			w.WriteHeader(&tar.Header{Name: name, Size: 1})
			w.Write([]byte("7"))
		}
		w.Close()
		return out.Bytes()
	}()
	f.Add(good)
	for _, n := range []int{0, 100, 512, 600, 1024, 1600, 2048} {
		f.Add(good[:n])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := folder(t, map[string][]byte{"train-1.tar": data, "val-1.tar": data})
		train, _, err := shards.Open(t.Context(), dir)
		if err != nil {
			return
		}
		for _, s := range train.Samples {
			r, n, err := s.Open(t.Context())
			if err != nil {
				continue
			}
			if got, err := io.ReadAll(r); err != nil || int64(len(got)) != n {
				t.Errorf("%s: %d bytes of %d, error %v", s.Path, len(got), n, err)
			}
			r.Close()
		}
	})
}

// A hostile index is an error, or a set whose samples are.
func FuzzReadIndex(f *testing.F) {
	var good bytes.Buffer
	x := &shards.Index{Classes: []string{"a", "b"}, Shards: []shards.Shard{{Name: "train-0.tar", Bytes: 2000, SHA256: strings.Repeat("0", 64), Members: []dataset.Member{{Name: "a/1.jpg", Offset: 512, Size: 3}}}}}
	if err := x.Write(&good); err != nil {
		f.Fatal(err)
	}
	f.Add(good.String())
	for _, change := range [][2]string{{"train-0.tar", "../train-0.tar"}, {"train-0.tar", "train-/../../x.tar"}, {"[512]", "[-512]"}, {"[3]", "[9000000000000000000]"}, {"[0]", "[2]"}, {"[0]", "[]"}, {"shards\":1", "shards\":2"}, {"00", "zz"}, {"}\n{", "}{"}} {
		f.Add(strings.ReplaceAll(good.String(), change[0], change[1]))
	}
	f.Fuzz(func(t *testing.T, text string) {
		x, err := shards.ReadIndex(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, s := range x.Shards {
			if filepath.Base(s.Name) != s.Name {
				t.Errorf("shard %q", s.Name)
			}
			for _, m := range s.Members {
				if m.Label < 0 || m.Label >= len(x.Classes) || m.Offset < 0 || m.Size < 0 || m.Offset+m.Size > s.Bytes {
					t.Errorf("member %+v of %d bytes", m, s.Bytes)
				}
			}
		}
	})
}
