package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hymenoptera/run"
)

// A packed set gives the same weights from a folder, from a server, and with a later index. eval takes folders and servers.
func TestPack(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir := filepath.Join(t.TempDir(), "packed")
	code, stdout, stderr := command(t, "pack", "testdata/insects", dir)
	if want := dir + ": 74 pictures of 2 classes in 2 shards, "; code != 0 || !strings.HasPrefix(stdout, want) || !strings.Contains(stdout, "hymenoptera train --data "+dir) {
		t.Fatalf("exit code %d: %s%s", code, stdout, stderr)
	}
	published := httptest.NewServer(http.FileServer(http.Dir(filepath.Dir(dir))))
	defer published.Close()
	var bests []string
	for i, data := range []string{dir, published.URL + "/packed", dir} {
		if i == 2 {
			try(t, os.Remove(filepath.Join(dir, "shards.jsonl")))
			if code, stdout, stderr := command(t, "pack", "--index", dir); code != 0 || !strings.Contains(stdout, "shards.jsonl: 74 pictures of 2 classes in 2 shards, ") {
				t.Fatalf("exit code %d: %s%s", code, stdout, stderr)
			}
		}
		out := filepath.Join(t.TempDir(), "run")
		if code, _, stderr := command(t, "train", "--data", data, "--weights", "none", "--epochs", "1", "--image-size", "32", "--device", "cpu", "--out", out); code != 0 {
			t.Fatalf("%s: exit code %d: %s", data, code, stderr)
		}
		result, err := run.ReadResult(out)
		try(t, err)
		bests = append(bests, result.BestSHA256)
		for _, flags := range [][]string{nil, {"--data", dir}, {"--data", published.URL + "/packed"}} {
			if code, stdout, stderr := command(t, append([]string{"eval", "--checkpoint", filepath.Join(out, "best.safetensors")}, flags...)...); code != 0 || !strings.Contains(stdout, "27 ") {
				t.Errorf("eval %q: exit code %d: %s%s", flags, code, stdout, stderr)
			}
		}
	}
	if len(slices.Compact(bests)) != 1 {
		t.Errorf("got weights %q, want three that are the same", bests)
	}
}
