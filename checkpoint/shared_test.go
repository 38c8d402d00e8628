package checkpoint

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// weights returns a file in the folder of real weights, which is not part of the repository.
func weights(t *testing.T, name string) string {
	t.Helper()
	shared := os.Getenv("HYMENOPTERA_SHARED")
	if shared == "" {
		t.Skip("HYMENOPTERA_SHARED does not name the folder that has data/weights with the real files")
	}
	return filepath.Join(shared, "data", "weights", name)
}

func TestRealFiles(t *testing.T) {
	for _, test := range []struct {
		name, format string
		tensors      int
		elements     int64
		digest       string // make_checkpoints.digest(torch.load(FILE, weights_only=True)) of torch 2.11.0
	}{
		{"resnet18-trunk-imagenet.pth", FormatPTH, 102, 11_699_112, "de31fdaffd0c8f07c35f5a9bd1a694ad6256276e7fb8a43bf91ed202751fd11d"},
		{"googlenet-random-legacy.pth", FormatLegacy, 364, 0, "112b277f5e1f33708b43760f7625057650f6b9a94745bb9d4277a441ee6b0198"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := weights(t, test.name)
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			var sd *StateDict
			allocated := allocatedBy(func() { sd, err = Read(path) })
			if err != nil {
				t.Fatal(err)
			}
			if limit := uint64(info.Size() + 32<<20); allocated > limit {
				t.Errorf("reading %d bytes allocated %d, limit %d", info.Size(), allocated, limit)
			}
			sum := sd.SHA256()
			elements := int64(0)
			for _, w := range sd.Tensors {
				elements += int64(len(w.Data) / w.DType.Size())
			}
			if sd.Format != test.format || len(sd.Tensors) != test.tensors || hex.EncodeToString(sum[:]) != test.digest {
				t.Errorf("%s: %d tensors, digest %x", sd.Format, len(sd.Tensors), sum)
			}
			if test.elements != 0 && elements != test.elements {
				t.Errorf("%d elements, want %d", elements, test.elements)
			}
		})
	}
}

func TestRealFilesAreRefused(t *testing.T) {
	for name, want := range map[string]string{
		"resnet18-f37072fd.head.bin": "it is cut short: its pickle lists 102 tensors of 46796448 bytes, the file has 579901 bytes in all",
		"resnet18-5c106cde.head.bin": "it has the tar format of PyTorch in 2017, which torch.load refuses too",
	} {
		_, err := Read(weights(t, name))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

// The list of tensors in the pickle of torchvision's resnet18-f37072fd.pth, against the list that Python
// made of it: name, storage, class, elements, location, offset, sizes, strides, whether it is a parameter,
// the tensor's requires_grad and the parameter's.
func TestRealPickleIndex(t *testing.T) {
	data, err := os.ReadFile(weights(t, "resnet18-f37072fd.index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want [][11]any
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	head, err := os.ReadFile(weights(t, "resnet18-f37072fd.head.bin"))
	if err != nil {
		t.Fatal(err)
	}
	entries, err := headIndex(head)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 102 || len(want) != 102 {
		t.Fatalf("%d entries, Python's list has %d", len(entries), len(want))
	}
	for i, w := range want {
		e := entries[i]
		v, s := e.tensor.view, e.tensor.view.storage
		class := "torch " + dtypes[s.dtype].storage
		if e.name != w[0] || s.key != w[1] || class != w[2] || float64(s.numel) != w[3] || w[4] != "cpu" || float64(v.offset) != w[5] ||
			!sameInts(v.shape, w[6]) || !sameInts(v.stride, w[7]) || e.tensor.parameter != w[8] || w[9] != false ||
			e.tensor.parameter && e.tensor.requiresGrad != w[10] {
			t.Errorf("%d: %s, storage %s of %d %s, offset %d, %v by %v, parameter %v, requires_grad %v; want %v",
				i, e.name, s.key, s.numel, class, v.offset, v.shape, v.stride, e.tensor.parameter, e.tensor.requiresGrad, w)
		}
	}
}

func sameInts(got []int64, want any) bool {
	list, ok := want.([]any)
	return ok && slices.EqualFunc(got, list, func(g int64, w any) bool { return float64(g) == w })
}
