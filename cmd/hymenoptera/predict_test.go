package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// A list of files, a pattern and a folder give the same answers, and each run ends with a total.
func TestPredictFindsPictures(t *testing.T) {
	file := filepath.Join(trainedRun(t), "best.safetensors")
	ants := "testdata/insects/val/ants"
	predict := func(args ...string) (code int, stdout, stderr string) {
		return command(t, append([]string{"predict", "--checkpoint", file, "--device", "cpu"}, args...)...)
	}
	code, want, stderr := predict(ants)
	if code != 0 || !strings.Contains(stderr, "13 pictures: ") {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	names, err := filepath.Glob(ants + "/*")
	try(t, err)
	list := filepath.Join(t.TempDir(), "list.txt")
	write(t, list, strings.Join(names, "\n")+"\n\n")
	for _, args := range [][]string{{ants + "/*"}, {"--files-from", list}} {
		if code, got, stderr := predict(args...); code != 0 || got != want {
			t.Errorf("%q: exit code %d, %s; got\n%s\nwant\n%s", args, code, stderr, got, want)
		}
	}
	// A file whose name is a pattern is that file.
	odd := filepath.Join(t.TempDir(), "[a]*.jpg")
	copyFile(t, names[0], odd)
	if code, got, _ := predict(odd); code != 0 || !strings.Contains(got, odd) {
		t.Errorf("exit code %d: %s", code, got)
	}
	if code, _, stderr := predict("--files-from", list+".missing"); code != 1 || !strings.Contains(stderr, "--files-from") || !strings.Contains(stderr, "no such file") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	for _, args := range [][]string{{""}, {"", "--files-from", list}} {
		if code, _, stderr := predict(args...); code != 2 || !strings.Contains(stderr, "predict: an argument is empty: want IMAGE, DIR, PATTERN or -") {
			t.Errorf("%q: exit code %d: %s", args, code, stderr)
		}
	}
	folder := filepath.Dir(odd)
	write(t, list, folder+"\n")
	if code, stdout, stderr := predict("--files-from", list, "--sort-into", filepath.Join(folder, "sorted")); code != 2 || stdout != "" || !strings.Contains(stderr, "would mix: name a folder elsewhere") {
		t.Errorf("a list of the folder that is sorted into: exit code %d: %s%s", code, stdout, stderr)
	}
}

// predict copies pictures into the folder of their answer, and an unsure one into its own folder.
func TestPredictSorts(t *testing.T) {
	file, out := filepath.Join(trainedRun(t), "best.safetensors"), filepath.Join(t.TempDir(), "sorted")
	sort := func(args ...string) (lines int, folders map[string]int) {
		code, stdout, stderr := command(t, append([]string{"predict", "--checkpoint", file, "--device", "cpu", "--json", "testdata/insects/val"}, args...)...)
		if code != 0 {
			t.Fatalf("exit code %d: %s", code, stderr)
		}
		folders = map[string]int{}
		for d := json.NewDecoder(strings.NewReader(stdout)); d.More(); lines++ {
			var l struct {
				File   string
				Top    []classProbability
				Unsure *bool
			}
			try(t, d.Decode(&l))
			folder := l.Top[0].Class
			if l.Unsure != nil && *l.Unsure {
				folder = unsure
			}
			folders[folder]++
		}
		return lines, folders
	}
	for _, args := range [][]string{{"--sort-into", out}, {"--sort-into", out + "-links", "--link", "--threshold", "1"}} {
		n, folders := sort(args...)
		total := 0
		for folder, want := range folders {
			got, err := filepath.Glob(filepath.Join(args[1], folder, "*"))
			if try(t, err); len(got) != want {
				t.Errorf("%q: %d pictures in %s, want %d", args, len(got), folder, want)
			}
			total += len(got)
		}
		if total != n || n == 0 {
			t.Errorf("%q: %d pictures sorted of %d", args, total, n)
		}
	}
	if _, folders := sort("--threshold", "1"); folders[unsure] == 0 {
		t.Error("--threshold 1: none is unsure")
	}
}

// eval counts the answers above the threshold that --precision chooses, and gets the same counts as the training.
func TestEvalWithAPrecision(t *testing.T) {
	file := filepath.Join(trainedRun(t, "--epochs", "3"), "best.safetensors")
	code, stdout, stderr := command(t, "eval", "--checkpoint", file, "--device", "cpu", "--precision", "0.01", "--json")
	var e evaluation
	if err := json.Unmarshal([]byte(stdout), &e); code != 0 || err != nil {
		t.Fatalf("exit code %d, %v: %s", code, err, stderr)
	}
	if e.Sure == nil || e.Sure.N != e.N || e.Sure.Right != e.Corrects {
		t.Errorf("at the lowest threshold %+v, want %d of %d right", e.Sure, e.Corrects, e.N)
	}
	if !strings.Contains(stderr, "unsure below") {
		t.Errorf("the threshold is not named: %s", stderr)
	}
	if want := "warning: --precision: its threshold was measured without --tta flip"; strings.Contains(stderr, want) {
		t.Errorf("without --tta flip: %s", stderr)
	} else if code, _, stderr := command(t, "eval", "--checkpoint", file, "--device", "cpu", "--precision", "0.01", "--tta", "flip"); code != 0 || !strings.Contains(stderr, want) {
		t.Errorf("with --tta flip: exit code %d: %s, want %s", code, stderr, want)
	}
	code, stdout, stderr = command(t, "eval", "--checkpoint", file, "--device", "cpu", "--threshold", "1")
	if code != 0 || !strings.Contains(stdout, "\nsure, from 100.00 % on: 0 of 26 images (0.0 %)\n") {
		t.Errorf("with no answer above the threshold: exit code %d: %s%s", code, stdout, stderr)
	}
}
