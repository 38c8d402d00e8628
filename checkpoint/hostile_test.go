package checkpoint

import (
	"archive/zip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// hostile returns the files of testdata/hostile.zip, which scripts/make_hostile.py writes, and the messages by file.
func hostile(t testing.TB) (files map[string][]byte, messages map[string]string) {
	t.Helper()
	z, err := zip.OpenReader("testdata/hostile.zip")
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	files = map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if files[f.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := json.Unmarshal(files["messages.json"], &messages); err != nil {
		t.Fatal(err)
	}
	delete(files, "messages.json")
	return files, messages
}

func TestHostileFilesAreRefusedByName(t *testing.T) {
	files, messages := hostile(t)
	if len(files) < 300 || len(files) != len(messages) {
		t.Errorf("%d hostile files and %d messages", len(files), len(messages))
	}
	for name, data := range files {
		t.Run(name, func(t *testing.T) {
			sd, err := Parse(data)
			if err == nil {
				t.Fatalf("it was read: %v", sd.Tensors)
			}
			if got, want := err.Error(), messages[name]; want == "" || !strings.HasPrefix(got, "checkpoint: ") || !strings.Contains(got, want) {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

// Read and Inspect return Parse's errors, with the name of the file.
func TestRefusedFilesAreNamed(t *testing.T) {
	files, messages := hostile(t)
	dir := t.TempDir()
	for _, name := range []string{"empty.pth", "page.pth", "lfs.pth", "tar-2017.pth", "zip-half.pth", "legacy-data-cut.pth", "hole.safetensors"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, files[name], 0o644); err != nil {
			t.Fatal(err)
		}
		_, read := Read(path)
		_, inspect := Inspect(path)
		for _, err := range []error{read, inspect} {
			if err == nil || !strings.HasPrefix(err.Error(), "checkpoint: read "+path+": ") || !strings.Contains(err.Error(), messages[name]) {
				t.Errorf("got  %v\nwant %s", err, messages[name])
			}
		}
	}
}

// Files that torch.save writes of values other than state dicts are refused.
func TestRefusedFilesOfPythons(t *testing.T) {
	for name, want := range map[string]string{
		"refused-two.pth":            `it holds 2 state dicts, "model", "ema": choose one by adding its name to the file's, as in FILE#model`,
		"refused-model.pth":          "global torch.nn.modules.container.Sequential at byte 2 is not allowed: this is a whole pickled model",
		"refused-model-legacy.pth":   "this is a whole pickled model",
		"refused-script.pth":         "it is a TorchScript program, not a state dict",
		"refused-list.pth":           "it holds a list of 1, not a state dict",
		"refused-mixed.pth":          `its entry "epoch" is an integer, not a tensor`,
		"refused-sparse.pth":         `its entry "w" is a sparse tensor, not a tensor of a network`,
		"refused-complex.pth":        `the tensor "w" has its data in a ComplexFloatStorage`,
		"refused-protocol4.pth":      "it is a pickle of protocol 4",
		"refused-nothing-inside.pth": `it holds a dict with the keys "epoch", "state_dict", and no state dict among its values`,
	} {
		_, err := Read(filepath.Join("testdata", name))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\ngot  %v\nwant %s", name, err, want)
		}
	}
}

func TestReadOfWhatIsNoFile(t *testing.T) {
	for path, want := range map[string]string{
		t.TempDir():   "it is a folder: name the file of weights in it",
		"testdata/no": "no such file or directory",
		os.DevNull:    "it is not a regular file",
	} {
		_, err := Read(path)
		if err == nil || err.Error() != "checkpoint: read "+path+": "+want {
			t.Errorf("%s: got %v, want %s", path, err, want)
		}
	}
}
