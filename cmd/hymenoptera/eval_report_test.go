package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// eval --report writes a page about all images. With --skip-corrupt it leaves a corrupt image out and names it.
func TestEvalReport(t *testing.T) {
	out := trainedRun(t)
	data, page := filepath.Join(t.TempDir(), "more"), filepath.Join(t.TempDir(), "page.html")
	try(t, os.CopyFS(data, os.DirFS("testdata/insects/val")))
	write(t, filepath.Join(data, "bees/broken.jpg"), "hello")
	code, _, stderr := command(t, "eval", "--checkpoint", out, "--device", "cpu", "--data", data, "--report", page)
	if _, err := os.Stat(page); code != 1 || err == nil || !strings.Contains(stderr, "broken.jpg") {
		t.Errorf("a corrupt image: exit code %d, %s", code, stderr)
	}
	code, stdout, stderr := command(t, "eval", "--checkpoint", out, "--device", "cpu", "--data", data, "--report", page, "--skip-corrupt")
	if code != 0 || !strings.Contains(stderr, "warning: left out: ") || !strings.Contains(stderr, "broken.jpg") || !strings.Contains(stdout, "of 26 images") {
		t.Fatalf("exit code %d: %s%s", code, stdout, stderr)
	}
	content, err := os.ReadFile(page)
	try(t, err)
	for _, want := range []string{"resnet18 on more", "The evaluation", `"bees/000.jpg"`, out} {
		if !strings.Contains(string(content), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(string(content), "h-curves") {
		t.Error("the page of an evaluation has curves")
	}
	code, _, stderr = command(t, "eval", "--checkpoint", out, "--device", "cpu", "--data", data, "--skip-corrupt", "--report", filepath.Join(out, "no/page.html"))
	if code != 1 || !strings.Contains(stderr, "--report: ") {
		t.Errorf("a page in no folder: exit code %d: %s", code, stderr)
	}
}
