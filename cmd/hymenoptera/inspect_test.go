package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"hymenoptera/checkpoint"
	"hymenoptera/internal/cli"
)

func TestInspect(t *testing.T) {
	file := filepath.Join(t.TempDir(), "w.safetensors")
	sd := &checkpoint.StateDict{
		Tensors:  []checkpoint.Tensor{{Name: "fc.bias", DType: checkpoint.Float32, Shape: []int64{2}, Data: make([]byte, 8)}},
		Metadata: map[string]string{"evil": "\x1b[2Jgone"},
	}
	if err := checkpoint.WriteSafetensors(file, sd); err != nil {
		t.Fatal(err)
	}
	var out, stderr strings.Builder
	if code := execute(t.Context(), []string{"inspect", file}, &out, &stderr, func(string) {}); code != 0 {
		t.Fatalf("exit code %d: %s", code, &stderr)
	}
	for _, want := range []string{"safetensors", "fc.bias", "float32", "[2]", `evil: "\x1b[2Jgone"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the output lacks %q:\n%s", want, &out)
		}
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Error("a control character of the file reached the terminal")
	}

	out.Reset()
	if code := execute(t.Context(), []string{"inspect", "--json", file}, &out, &stderr, func(string) {}); code != 0 {
		t.Fatalf("exit code %d: %s", code, &stderr)
	}
	var r checkpoint.Report
	if err := json.Unmarshal([]byte(out.String()), &r); err != nil || len(r.Tensors) != 1 || r.Metadata["evil"] != "\x1b[2Jgone" {
		t.Errorf("got %+v, error %v", r, err)
	}

	for _, c := range []struct {
		args []string
		code int
	}{{[]string{"inspect"}, cli.ExitUsage}, {[]string{"inspect", "a", "b"}, cli.ExitUsage}, {[]string{"inspect", file + "x"}, cli.ExitFailure}, {[]string{"inspect", "inspect_test.go"}, cli.ExitFailure}} {
		if code := execute(t.Context(), c.args, &out, &stderr, func(string) {}); code != c.code {
			t.Errorf("%q: exit code %d, want %d", c.args, code, c.code)
		}
	}
}
