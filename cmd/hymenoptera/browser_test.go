package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hymenoptera/run"
)

// --open opens the report in the browser once, when it is there; if the browser is missing, a warning says so.
func TestOpen(t *testing.T) {
	dir := t.TempDir()
	out, opened := filepath.Join(dir, "run"), filepath.Join(dir, "opened")
	browser := filepath.Join(dir, "browser")
	try(t, os.WriteFile(browser, []byte("#!/bin/sh\ntest -s \"$1\" && echo \"$1\" >>"+opened+"\n"), 0o777))
	args := []string{"train", "--data", "testdata/insects", "--weights", "none", "--epochs", "3", "--image-size", "32", "--device", "cpu", "--open", "--overwrite", "--out", out}
	t.Setenv("BROWSER", browser)
	if code, _, stderr := command(t, args...); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	want := filepath.Join(out, run.ReportFile) + "\n"
	var got []byte
	for deadline := time.Now().Add(10 * time.Second); string(got) != want && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		got, _ = os.ReadFile(opened)
	}
	if string(got) != want {
		t.Errorf("the browser got %q, want %q", got, want)
	}
	t.Setenv("BROWSER", filepath.Join(dir, "missing"))
	if code, _, stderr := command(t, args...); code != 0 || !strings.Contains(stderr, "warning: --open: ") || !strings.Contains(stderr, "missing: ") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
