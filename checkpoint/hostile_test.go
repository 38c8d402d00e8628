package checkpoint

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// hostile returns the files of scripts/make_hostile.py with what the reader must say of each.
func hostile(t testing.TB) map[string]string {
	t.Helper()
	data, err := os.ReadFile("testdata/hostile/messages.json")
	if err != nil {
		t.Fatal(err)
	}
	var messages map[string]string
	if err := json.Unmarshal(data, &messages); err != nil {
		t.Fatal(err)
	}
	return messages
}

func TestHostileFilesAreRefusedByName(t *testing.T) {
	messages := hostile(t)
	if len(messages) < 300 {
		t.Errorf("only %d hostile files", len(messages))
	}
	for name, want := range messages {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("testdata", "hostile", name)
			sd, err := Read(path)
			if err == nil {
				t.Fatalf("it was read: %v", sd.Tensors)
			}
			if got := err.Error(); !strings.Contains(got, want) || !strings.HasPrefix(got, "checkpoint: read "+path+": ") {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if _, err := Inspect(path); err == nil {
				t.Error("Inspect takes it")
			}
		})
	}
}

// Files that torch.save makes of other things than state dicts.
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
		os.DevNull:    "it is no regular file",
	} {
		_, err := Read(path)
		if err == nil || err.Error() != "checkpoint: read "+path+": "+want {
			t.Errorf("%s: got %v, want %s", path, err, want)
		}
	}
}
