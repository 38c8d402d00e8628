package checkpoint

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Every file that Python wrote survives each writer. scripts/parity_files.py checks that Python reads the same
// values from the results.
func TestWriteAndReadBack(t *testing.T) {
	for name, want := range expected(t) {
		sd, err := Read(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range []struct {
			file  string
			write func(string, *StateDict) error
		}{{"out.pth", WritePTH}, {"out.safetensors", WriteSafetensors}} {
			t.Run(name+" to "+w.file, func(t *testing.T) {
				dir := t.TempDir()
				path, again := filepath.Join(dir, w.file), filepath.Join(dir, "again")
				if err := w.write(path, sd); err != nil {
					t.Fatal(err)
				}
				back, err := Read(path)
				if err != nil {
					t.Fatal(err)
				}
				if w.file == "out.safetensors" { // this format cannot hold these
					for i := range want.Tensors {
						back.Tensors[i].Parameter = want.Tensors[i].Parameter
						back.Tensors[i].RequiresGrad = want.Tensors[i].RequiresGrad
					}
				}
				sameAsExpected(t, back, want)

				if err := w.write(again, sd); err != nil {
					t.Fatal(err)
				}
				first, _ := os.ReadFile(path)
				second, _ := os.ReadFile(again)
				if !bytes.Equal(first, second) {
					t.Error("the same state dict gave other bytes the second time")
				}
			})
		}
	}
}

func TestWriteSafetensorsMetadata(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.safetensors")
	want := map[string]string{"b": "<é> & \"\\\n\x00\u2028", "a": "", "__metadata__": "x"}
	sd := &StateDict{Tensors: []Tensor{{Name: "w<&>\"é", DType: Float32, Data: make([]byte, 4)}}, Metadata: want}
	if err := WriteSafetensors(path, sd); err != nil {
		t.Fatal(err)
	}
	got, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Metadata) != len(want) {
		t.Errorf("metadata %q, want %q", got.Metadata, want)
	}
	for k, v := range want {
		if got.Metadata[k] != v {
			t.Errorf("metadata %q is %q, want %q", k, got.Metadata[k], v)
		}
	}
	if got.Tensors[0].Name != sd.Tensors[0].Name {
		t.Errorf("name %q, want %q", got.Tensors[0].Name, sd.Tensors[0].Name)
	}
}

func TestWritersRefuseWhatTheyCannotWrite(t *testing.T) {
	one := func(change func(*Tensor)) *StateDict {
		w := Tensor{Name: "w", DType: Float32, Shape: []int64{2}, Data: make([]byte, 8)}
		change(&w)
		return &StateDict{Tensors: []Tensor{w}}
	}
	good := one(func(*Tensor) {}).Tensors[0]
	for want, sd := range map[string]*StateDict{
		"it has no dtype": one(func(w *Tensor) { w.DType = 0 }),
		"shape [2] of float32 takes 8 bytes, it has 7": one(func(w *Tensor) { w.Data = w.Data[:7] }),
		"its shape [-2] has a negative size":           one(func(w *Tensor) { w.Shape = []int64{-2} }),
		"a tensor has an empty name":                   one(func(w *Tensor) { w.Name = "" }),
		`the tensor name "\xff" is not UTF-8`:          one(func(w *Tensor) { w.Name = "\xff" }),
		"has a control character in it":                one(func(w *Tensor) { w.Name = "w\x00" }),
		"byte 1 of a bool tensor is 3":                 one(func(w *Tensor) { w.DType, w.Shape, w.Data = Bool, []int64{2}, []byte{1, 3} }),
		`there are two tensors named "w"`:              {Tensors: []Tensor{good, good}},
	} {
		for name, write := range map[string]func(string, *StateDict) error{"pth": WritePTH, "safetensors": WriteSafetensors} {
			refusedBy(t, name, write, sd, want)
		}
	}
	refusedBy(t, "safetensors", WriteSafetensors, one(func(w *Tensor) { w.Name = "__metadata__" }), `safetensors keeps the name "__metadata__" for itself`)
	bad := one(func(*Tensor) {})
	bad.Metadata = map[string]string{"k": "\xff"}
	refusedBy(t, "safetensors", WriteSafetensors, bad, `the metadata "k" is not UTF-8`)
}

func refusedBy(t *testing.T, format string, write func(string, *StateDict) error, sd *StateDict, want string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "w")
	if err := write(path, sd); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "checkpoint: write "+path+": ") {
		t.Errorf("%s: got %v, want %s", format, err, want)
	}
	if _, err := os.Stat(path); err == nil {
		t.Errorf("%s: %s: a file was left", format, want)
	}
}

// A write that fails leaves the old file and nothing beside it.
func TestWritingIsAllOrNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "best.safetensors")
	if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	full := errors.New("disk full")
	err := writeFile(path, func(w io.Writer) error {
		w.Write(make([]byte, 1<<20))
		return full
	})
	if !errors.Is(err, full) {
		t.Errorf("error %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v, error %v", entries, err)
	}
	if data, _ := os.ReadFile(path); string(data) != "old" {
		t.Errorf("the old file has become %q", data)
	}
	if err := WritePTH(filepath.Join(dir, "no", "such.pth"), &StateDict{}); err == nil || !strings.Contains(err.Error(), "no such file or directory") {
		t.Errorf("into a folder that is not there: %v", err)
	}
}

func TestPicklerIntegers(t *testing.T) {
	want := []int64{0, 255, 256, 65535, 65536, 1<<31 - 1, 1 << 31, 1<<63 - 1}
	p := &pickler{b: []byte{opProto, 2}, memo: map[string]byte{}}
	p.ints(want)
	p.op(opStop)
	m := machine{data: p.b}
	v, err := m.next()
	if err != nil {
		t.Fatal(err)
	}
	var got []int64
	for _, item := range v.(*tuple).items {
		got = append(got, item.(int64))
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
