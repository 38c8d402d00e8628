package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hymenoptera/check"
)

// faulty returns a folder of insects with an ant in both train and val, a bee among the ants, and a file that is no picture.
func faulty(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	try(t, os.CopyFS(dir, os.DirFS("testdata/insects")))
	copyFile(t, filepath.Join(dir, "val/ants/000.jpg"), filepath.Join(dir, "train/ants/<b>\x1b[31m.jpg"))
	copyFile(t, filepath.Join(dir, "train/bees/000.jpg"), filepath.Join(dir, "train/ants/bee.jpg"))
	write(t, filepath.Join(dir, "train/ants/broken.jpg"), "hello")
	return dir
}

func TestCheck(t *testing.T) {
	dir := faulty(t)
	before := tree(t, dir)
	out := t.TempDir()
	html, list := filepath.Join(out, "check.html"), filepath.Join(out, "exclude.txt")
	code, stdout, stderr := command(t, "check", dir, "--html", html, "--exclude-to", list)
	if code != 0 || stderr != "" {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	for _, want := range []string{
		"SERIOUS: 1 picture lies in train and in val", `train/ants/<b>\x1b[31m.jpg = val/ants/000.jpg`,
		"SERIOUS: 1 picture lies in several classes", "train/ants/bee.jpg = train/bees/000.jpg",
		"SERIOUS: 1 picture cannot be read", "train/ants/broken.jpg: not an image of a known format",
		"Nothing was changed.", "lists 4 pictures to leave out: look through it, then train --exclude ",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in %s", want, stdout)
		}
	}
	unchanged(t, dir, before)
	page, err := os.ReadFile(html)
	try(t, err)
	for _, want := range []string{`&lt;b&gt;\x1b[31m.jpg`, "data:image/jpeg;base64,", "Content-Security-Policy", "to leave out"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page has no %s", want)
		}
	}
	if strings.ContainsAny(string(page), "\x1b") || strings.Contains(string(page), "<b>") || strings.Contains(string(page), "http:") || strings.Contains(string(page), "https:") {
		t.Error("the page has a name that is not escaped, or an address")
	}

	code, stdout, _ = command(t, "check", dir, "--json", "--strict")
	var r check.Report
	if err := json.Unmarshal([]byte(stdout), &r); code != 1 || err != nil || len(r.Copies) != 2 || len(r.Unreadable) != 1 {
		t.Errorf("exit code %d, %v: %s", code, err, stdout)
	}
	if code, _, stderr := command(t, "check", dir, "--strict"); code != 1 || !strings.Contains(stderr, "data has serious faults") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if code, stdout, stderr := command(t, "check", "testdata/insects", "--strict"); code != 0 || !strings.Contains(stdout, "74 pictures in 2 classes: 48 in train, 26 in val") {
		t.Errorf("insects: exit code %d: %s%s", code, stdout, stderr)
	}

	run := filepath.Join(out, "run")
	args := slices.Concat(strings.Fields(small), []string{"--data", dir, "--out", run, "--exclude", list})
	if code, _, stderr := command(t, args...); code != 0 || !strings.Contains(stderr, "names 4 images to leave out") {
		t.Errorf("train: exit code %d: %s", code, stderr)
	}
	if code, stdout, stderr := command(t, "eval", "--checkpoint", run, "--device", "cpu"); code != 0 {
		t.Errorf("eval: exit code %d: %s%s", code, stdout, stderr)
	}
	for path, want := range map[string]string{"testdata/insects": list + " lists no picture: there is none to leave out.\n", dir: list + " lists 4 pictures"} {
		if code, stdout, stderr := command(t, "check", path, "--exclude-to", list); code != 0 || !strings.Contains(stdout, want) {
			t.Errorf("%s: exit code %d: %s%s, want %q", path, code, stdout, stderr, want)
		}
	}
	ants := filepath.Join(out, "ants")
	try(t, os.CopyFS(filepath.Join(ants, "ants"), os.DirFS("testdata/insects/val/ants")))
	if code, stdout, stderr := command(t, "check", ants, "--weights", run); code != 0 || !strings.Contains(stderr, "warning: --weights has no effect: ") {
		t.Errorf("one class: exit code %d: %s%s", code, stdout, stderr)
	}
	code, stdout, stderr = command(t, "check", "testdata/insects", "--weights", run, "--html", html)
	page, err = os.ReadFile(html)
	try(t, err)
	if code != 0 || !strings.Contains(stdout, "cross-validated accuracy of a linear layer") || !strings.Contains(string(page), "cross-validated accuracy") {
		t.Errorf("weights: exit code %d: %s%s", code, stdout, stderr)
	}
}

// A group in several classes and in both train and val is two kinds of fault.
func TestFindings(t *testing.T) {
	leak := check.Group{Leak: true, Pictures: make([]check.Member, 2)}
	both := check.Group{Leak: true, Classes: true, Pictures: make([]check.Member, 2)}
	found := findings(&check.Report{Copies: []check.Group{both, leak, {Pictures: make([]check.Member, 2)}}})
	var got []string
	for _, f := range found {
		got = append(got, f.title)
	}
	want := []string{"2 pictures lie in train and in val: the accuracy comes out too good", "1 picture lies in several classes: one of the labels is wrong",
		"1 picture has copies in the same class and set, which count more than others"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}
