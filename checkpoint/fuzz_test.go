package checkpoint

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Every fuzz target checks the promise of the package: a reader returns a sound state dict or an error.
//
//	go test -run '^$' -fuzz '^FuzzZip$' -fuzztime 20s -fuzzminimizetime 10x ./checkpoint
//
// Without the last flag go test spends its first minute on minimizing the first new input.

func FuzzZip(f *testing.F)         { fuzzReader(f, readZip, "PK") }
func FuzzLegacy(f *testing.F)      { fuzzReader(f, readLegacy, legacyMagic) }
func FuzzSafetensors(f *testing.F) { fuzzReader(f, readSafetensors, `{"`) }
func FuzzParse(f *testing.F)       { fuzzReader(f, parse, "") }

// seeds returns the files of testdata and the hostile ones.
func seeds(f *testing.F) [][]byte {
	var all [][]byte
	for _, pattern := range []string{"testdata/*.pth", "testdata/*.safetensors"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			all = append(all, data)
		}
	}
	files, _ := hostile(f)
	for _, name := range slices.Sorted(maps.Keys(files)) { // in the same order every time
		all = append(all, files[name])
	}
	return all
}

// fuzzReader fuzzes read, with those seeds that contain mark near their beginning.
func fuzzReader(f *testing.F, read func([]byte, string) (*StateDict, error), mark string) {
	for _, data := range seeds(f) {
		if bytes.Contains(data[:min(len(data), 2048)], []byte(mark)) {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		// Clip, because readers may reorder the copy and must not look behind its end.
		sd, err := read(slices.Clip(slices.Clone(data)), "")
		soundOrError(t, sd, err)
	})
}

func soundOrError(t *testing.T, sd *StateDict, err error) {
	t.Helper()
	if (sd == nil) == (err == nil) {
		t.Fatalf("state dict %v, error %v", sd, err)
	}
	if err != nil {
		if len(err.Error()) > 1<<16 {
			t.Fatalf("an error of %d bytes: %.200s", len(err.Error()), err)
		}
		return
	}
	if err := sd.validate(); err != nil {
		t.Fatal(err)
	}
	// Writers accept every state dict that a reader returns.
	sd.SHA256()
	m := machine{data: pickleStateDict(sd), persistent: func(id value) (value, error) { return storageID(id, 5) }}
	if _, err := m.next(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := safetensorsHeader(sd); err != nil {
		if _, taken := sd.Get("__metadata__"); !taken {
			t.Fatal(err)
		}
	}
}

// FuzzPickle fuzzes the pickle and the tensors' layouts, which FuzzZip hardly reaches: a zip file's checksums stop it.
func FuzzPickle(f *testing.F) {
	for _, data := range seeds(f) {
		entries, err := readArchive(data)
		if err != nil {
			continue
		}
		for _, e := range entries {
			if filepath.Base(e.name) == "data.pkl" {
				f.Add(e.data, uint16(24))
			}
		}
	}
	f.Fuzz(func(t *testing.T, pickle []byte, size uint16) {
		sd, err := readRecords([]zipEntry{{name: "a/data.pkl", data: pickle}, {name: "a/data/0", data: make([]byte, size)}}, "")
		soundOrError(t, sd, err)
		sd, err = readRecords([]zipEntry{{name: "a/data.pkl", data: pickle}, {name: "a/data/0", data: make([]byte, size)}}, "model")
		soundOrError(t, sd, err)
	})
}
