package checkpoint

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
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

// These tests cut, change or extend the files that Python wrote, at positions all over them.

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

// A changed byte of a zip file's members shows in a checksum; elsewhere it may go unnoticed, but must do no harm.
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

// stride keeps the number of positions to some thousands per file; it is coprime to the sizes of fields.
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

func TestReadAPart(t *testing.T) {
	two, err := os.ReadFile("testdata/refused-two.pth")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	plain, sharp := filepath.Join(dir, "two.pth"), filepath.Join(dir, "two.pth#ema")
	if err := os.WriteFile(plain, two, 0o644); err != nil {
		t.Fatal(err)
	}
	nested := "testdata/beside.pth"
	for _, test := range []struct{ name, wrapper, fails string }{
		{plain + "#ema", "ema", ""},
		{plain + "#model", "model", ""},
		{plain + "#", "", `it holds 2 state dicts, "model", "ema": choose one by adding its name to the file's, as in FILE#model`},
		{plain + "#emma", "", `it has no state dict "emma": want "model", "ema"`},
		{nested + "#net.state_dict", "net.state_dict", ""},
		{nested + "#net", "", `it has no state dict "net": want "net.state_dict"`},
		{"testdata/module.pth#model", "", `it has no part "model": it is one state dict, or none`},
		{"testdata/dtypes.safetensors#model", "", `it has no part "model": a safetensors file is one state dict`},
		{filepath.Join(dir, "none.pth#ema"), "", "no such file"},
	} {
		sd, err := Read(test.name)
		if (err == nil) != (test.fails == "") || err != nil && !strings.Contains(err.Error(), test.fails) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.fails)
		}
		if err == nil && sd.Wrapper != test.wrapper {
			t.Errorf("%s: got %q, want %q", test.name, sd.Wrapper, test.wrapper)
		}
		if r, err := Inspect(test.name); (err == nil) != (test.fails == "") || err == nil && r.Wrapper != test.wrapper {
			t.Errorf("Inspect %s: got %v, %v", test.name, r, err)
		}
	}
	var several *SeveralError
	if _, err := Read(plain); !errors.As(err, &several) || !slices.Equal(several.Parts, []string{"model", "ema"}) {
		t.Errorf("got %v", err)
	}
	// A file whose name has a # sign.
	module, err := os.ReadFile("testdata/module.pth")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(sharp, module, 0o644); err != nil {
		t.Fatal(err)
	}
	if sd, err := Read(sharp); err != nil || sd.Wrapper != "" {
		t.Errorf("got %v, %v", sd, err)
	}
}

// Read does not look for weights in an archive: the message says what to do.
func TestWeightsInAnArchive(t *testing.T) {
	dir := t.TempDir()
	for name, pack := range map[string]func(*bytes.Buffer) error{
		"zip": func(b *bytes.Buffer) error {
			z := zip.NewWriter(b)
			z.Create("models/")
			z.Create("__MACOSX/models/._best.pth")
			w, _ := z.Create("models/best.pth")
			w.Write(make([]byte, 1000))
			return z.Close()
		},
		"tar": func(b *bytes.Buffer) error {
			w := tar.NewWriter(b)
			w.WriteHeader(&tar.Header{Name: "models/", Typeflag: tar.TypeDir})
			w.WriteHeader(&tar.Header{Name: "models/best.pth", Size: 1000})
			w.Write(make([]byte, 1000))
			return w.Close()
		},
		"tar of one file": func(b *bytes.Buffer) error {
			w := tar.NewWriter(b)
			w.WriteHeader(&tar.Header{Name: "models/best.pth", Size: 4})
			w.Write([]byte("file"))
			return w.Close()
		},
	} {
		var b bytes.Buffer
		if err := pack(&b); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "best.pth")
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(path); err == nil || !strings.Contains(err.Error(), `with "models/best.pth" in it: unpack it`) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestWhiteSpaceAroundAHeader(t *testing.T) {
	const header = `{"w":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}`
	// safetensors 0.8 reads and refuses the same ones.
	for text, ok := range map[string]bool{
		header + "\n": true, header + "\t": true, header + "\r": true, header + " \n\t\r ": true, " \n" + header: true,
		header + "\f": false, header + "\v": false, header + "\x00": false, header + "\u00a0": false, header + "{}": false,
	} {
		file := append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text+"\x01\x02"...)
		if sd, err := Parse(file); (err == nil) != ok || ok && string(sd.Tensors[0].Data) != "\x01\x02" {
			t.Errorf("%q: got %v, want it read: %v", text, err, ok)
		}
	}
}

// The length at the start of a safetensors file may look like another format: "PK" of a zip, the protocol of a pickle.
func TestHeaderLengthsLikeOtherFormats(t *testing.T) {
	for _, length := range []int{'P' | 'K'<<8, 0x0280, 0x8b1f, 'B' | 'Z'<<8 | 'h'<<16} {
		data := binary.LittleEndian.AppendUint64(nil, uint64(length))
		data = append(data, `{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`...)
		data = append(append(data, bytes.Repeat([]byte(" "), length+8-len(data))...), 7)
		sd, err := Parse(data)
		if err != nil || len(sd.Tensors) != 1 || sd.Tensors[0].Data[0] != 7 {
			t.Errorf("a header of %d bytes: %v", length, err)
		}
	}
}
