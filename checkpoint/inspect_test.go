package checkpoint

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

func TestInspect(t *testing.T) {
	for name, want := range expected(t) {
		path := "testdata/" + name
		r, err := Inspect(path)
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(data)
		if r.SHA256 != hex.EncodeToString(sum[:]) || r.Size != int64(len(data)) || r.Values != want.SHA256 || r.Format != want.Format {
			t.Errorf("%s: %+v", name, r)
		}
		elements, bytes := int64(0), int64(0)
		for i, got := range r.Tensors {
			raw, _ := hex.DecodeString(want.Tensors[i].Data)
			sum := sha256.Sum256(raw)
			if got.Name != want.Tensors[i].Name || got.SHA256 != hex.EncodeToString(sum[:]) || got.Shape == nil {
				t.Errorf("%s: tensor %+v, want %+v", name, got, want.Tensors[i])
			}
			elements, bytes = elements+got.Elements, bytes+int64(len(raw))
		}
		if r.Elements != elements || r.Bytes != bytes {
			t.Errorf("%s: %d elements in %d bytes, want %d and %d", name, r.Elements, r.Bytes, elements, bytes)
		}
		if text, err := json.Marshal(r); err != nil || strings.Contains(string(text), "null") {
			t.Errorf("%s: JSON %s, error %v", name, text, err)
		}
	}
}
