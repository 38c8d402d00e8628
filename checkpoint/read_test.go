package checkpoint

import (
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// expectedFile is what scripts/make_checkpoints.py says of a file in testdata.
type expectedFile struct {
	Format, Wrapper, SHA256 string
	Metadata                map[string]string
	Tensors                 []struct {
		Name, DType, Data string
		Shape             []int64
		Parameter         bool
		RequiresGrad      bool `json:"requires_grad"`
	}
}

// expected returns what Python wrote into the files of testdata.
func expected(t testing.TB) map[string]expectedFile {
	t.Helper()
	data, err := os.ReadFile("testdata/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	var files map[string]expectedFile
	if err := json.Unmarshal(data, &files); err != nil {
		t.Fatal(err)
	}
	return files
}

// sameAsExpected compares what a reader found with what Python wrote.
func sameAsExpected(t *testing.T, sd *StateDict, want expectedFile) {
	t.Helper()
	if len(sd.Tensors) != len(want.Tensors) {
		t.Fatalf("%d tensors, want %d", len(sd.Tensors), len(want.Tensors))
	}
	for i, w := range want.Tensors {
		got := sd.Tensors[i]
		if got.Name != w.Name || got.DType.String() != w.DType || !slices.Equal(got.Shape, w.Shape) ||
			got.Parameter != w.Parameter || got.RequiresGrad != w.RequiresGrad {
			t.Errorf("tensor %d is %s %v %v parameter=%v requires_grad=%v, want %+v", i, got.Name, got.DType, got.Shape, got.Parameter, got.RequiresGrad, w)
		}
		if data := hex.EncodeToString(got.Data); data != w.Data {
			t.Errorf("%s: data %s, want %s", got.Name, data, w.Data)
		}
		if cap(got.Data) != len(got.Data) {
			t.Errorf("%s: appending to its data would write into another tensor's", got.Name)
		}
	}
	sum := sd.SHA256()
	if got := hex.EncodeToString(sum[:]); got != want.SHA256 {
		t.Errorf("SHA256 %s, want %s", got, want.SHA256)
	}
}

func TestReadWhatPythonWrote(t *testing.T) {
	files := expected(t)
	if len(files) < 22 {
		t.Fatalf("only %d files in expected.json", len(files))
	}
	for name, want := range files {
		t.Run(name, func(t *testing.T) {
			sd, err := Read(filepath.Join("testdata", name))
			if err != nil {
				t.Fatal(err)
			}
			if sd.Format != want.Format || sd.Wrapper != want.Wrapper {
				t.Errorf("format %q, wrapper %q, want %q and %q", sd.Format, sd.Wrapper, want.Format, want.Wrapper)
			}
			if !maps.Equal(sd.Metadata, want.Metadata) {
				t.Errorf("metadata %q, want %q", sd.Metadata, want.Metadata)
			}
			sameAsExpected(t, sd, want)
		})
	}
}

// The tests of what is missing, changed or added go through every position of the files that Python wrote.

func TestNoFileThatIsCutShortIsRead(t *testing.T) {
	eachFile(t, func(t *testing.T, data []byte) {
		for n := 0; n < len(data); n += stride(data) {
			if _, err := Parse(slices.Clone(data[:n])); err == nil {
				t.Fatalf("the first %d of %d bytes were read", n, len(data))
			}
		}
	})
}

func TestNoFileWithTrailingBytesIsRead(t *testing.T) {
	eachFile(t, func(t *testing.T, data []byte) {
		for _, tail := range []string{"\x00", "\n", "PK", strings.Repeat("x", 512)} {
			if _, err := Parse(append(slices.Clone(data), tail...)); err == nil {
				t.Errorf("it was read with %q behind it", tail)
			}
		}
	})
}

// A changed byte of a zip file's members shows in a checksum; elsewhere it may go unseen, but must do no harm.
func TestChangedBytes(t *testing.T) {
	eachFile(t, func(t *testing.T, data []byte) {
		for i := 0; i < len(data); i += stride(data) {
			for _, change := range []byte{0x01, 0xff} {
				b := slices.Clone(data)
				b[i] ^= change
				sd, err := Parse(b)
				if (err == nil) == (sd == nil) {
					t.Fatalf("byte %d: state dict %v and error %v", i, sd, err)
				}
				if err == nil {
					if err := sd.validate(); err != nil {
						t.Fatalf("byte %d: %v", i, err)
					}
				}
			}
		}
	})
}

// stride keeps the number of positions to some thousands a file; it is prime to the sizes of fields.
func stride(data []byte) int {
	return []int{1, 1, 3, 5, 7, 11}[min(len(data)>>12, 5)]
}

func eachFile(t *testing.T, test func(t *testing.T, data []byte)) {
	t.Helper()
	for name := range expected(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(filepath.Join("testdata", name))
			if err != nil {
				t.Fatal(err)
			}
			test(t, data)
		})
	}
}
