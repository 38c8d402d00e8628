package trace_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hymenoptera/internal/trace"
	"hymenoptera/torch"
)

func TestWriter(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "trace")
	w, bad, unused := trace.New(file), trace.New(filepath.Join(dir, "no", "trace")), trace.New(filepath.Join(dir, "unused"))
	err := torch.Do(t.Context(), func(s *torch.Scope) error {
		x := torch.FromFloat32s(s, []float32{1, 2}, 2)
		w.Tensor(3, "val", 4, "logits", x)
		bad.Tensor(3, "val", 4, "logits", x)
		return nil
	})
	if err != nil || w.Err() != nil || w.Close() != nil || bad.Close() != nil || unused.Close() != nil {
		t.Errorf("errors %v, %v", err, w.Err())
	}
	// printf '\0\0\200\77\0\0\0\100' | sha256sum
	const want = "3 val 4 logits b9c80b5adeca450753a16950c3cc655d271f7bef7a485bc83f112b72fef21d37\n"
	if got, err := os.ReadFile(file); err != nil || string(got) != want {
		t.Errorf("got %q, %v", got, err)
	}
	if err := bad.Err(); err == nil || !strings.HasSuffix(err.Error(), "no/trace: no such file or directory") {
		t.Errorf("got error %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("left %v, %v", entries, err)
	}
}
