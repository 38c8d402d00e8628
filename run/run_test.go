package run_test

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hymenoptera/checkpoint"
	"hymenoptera/metrics"
	"hymenoptera/run"
)

func create(t *testing.T, path string, overwrite bool) *run.Folder {
	t.Helper()
	f, err := run.Create(path, overwrite)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// weights returns a state dict with one value.
func weights(value byte) *checkpoint.StateDict {
	return &checkpoint.StateDict{
		Tensors:  []checkpoint.Tensor{{Name: "w", DType: checkpoint.Uint8, Shape: []int64{1}, Data: []byte{value}}},
		Metadata: map[string]string{"epoch": fmt.Sprint(value)},
	}
}

func TestHistoryReadsBackToTheSameBits(t *testing.T) {
	f := create(t, filepath.Join(t.TempDir(), "a", "b"), false)
	want := []metrics.Phase{
		{Epoch: 0, Name: "train", Loss: 0.7024962784814053, Acc: 118. / 244, Corrects: 118, N: 244, LR: 0.001, Seconds: 6.6},
		{Epoch: 0, Name: "val", Loss: math.Nextafter(1, 2), Acc: 1, Corrects: 153, N: 153, LR: 1e-5 * 0.1, Seconds: 0},
	}
	for _, p := range want {
		if err := f.Append(p); err != nil {
			t.Fatal(err)
		}
	}
	got, err := run.ReadHistory(f.Path())
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestCreateRefusesARunThatIsThere(t *testing.T) {
	dir := t.TempDir()
	f := create(t, dir, false)
	if _, err := run.Create(dir, true); err == nil || !strings.Contains(err.Error(), "another run is writing") {
		t.Errorf("a folder in use: got error %v", err)
	}
	if err := f.WriteConfig(map[string]int{"epochs": 1}); err != nil {
		t.Fatal(err)
	}
	if err := f.Append(metrics.Phase{Name: "train"}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("mine"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}

	_, err := run.Create(dir, false)
	if held := (*run.HeldError)(nil); !errors.As(err, &held) || *held != (run.HeldError{Path: dir, File: run.ConfigFile}) {
		t.Errorf("a folder with a run: got error %v, want a HeldError that names %s", err, run.ConfigFile)
	}
	if _, err := os.Stat(filepath.Join(dir, run.ConfigFile)); err != nil {
		t.Errorf("the refused run lost its configuration: %v", err)
	}

	f = create(t, dir, true)
	if _, err := os.Stat(filepath.Join(dir, run.HistoryFile)); err != nil {
		t.Error("the old run is gone before the new one has begun")
	}
	if err := f.WriteConfig(2); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, run.HistoryFile)); err != nil || !f.KeepsOld() {
		t.Error("the old run is gone before the new one has weights")
	}
	if err := f.SaveBest(weights(1)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, run.HistoryFile)); err == nil || f.KeepsOld() {
		t.Error("the overwritten run's history is still there")
	}
	if _, err := os.Stat(filepath.Join(dir, "notes.txt")); err != nil {
		t.Error("overwriting removed a file that is not the run's")
	}
}

func TestRunWithoutAPhaseLeavesNothing(t *testing.T) {
	parent := t.TempDir()
	for _, dir := range []string{parent, filepath.Join(parent, "new"), filepath.Join(parent, "a", "b")} {
		f := create(t, dir, false)
		if err := f.WriteConfig(1); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	left, err := os.ReadDir(parent)
	if err != nil || len(left) != 0 {
		t.Errorf("left %v (error %v), want the old folder alone, and empty", left, err)
	}
}

// Overwriting removes the files that a killed run left in the middle of a write, with its other files, and nothing else.
func TestOverwriteRemovesUnfinishedFiles(t *testing.T) {
	dir := t.TempDir()
	kept := []string{".best.safetensors", ".best.safetensors12a", ".notes1", "best.safetensors.old"}
	for _, name := range append([]string{".best.safetensors1234567", ".report.html0"}, kept...) {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	f := create(t, dir, true)
	if err := f.WriteConfig(1); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if want := append(kept, run.ConfigFile); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		t.Errorf("left %q, want %q", got, want)
	}
}

func TestCreateUnderAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := run.Create(filepath.Join(file, "out"), false); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("got error %v, want one that names %s", err, file)
	}
}

// Vanished notices that the folder was removed or replaced, and Restore makes it again with all files so far.
func TestRestore(t *testing.T) {
	for _, replaced := range []bool{false, true} {
		f := create(t, filepath.Join(t.TempDir(), "run"), false)
		if err := f.WriteConfig(1); err != nil {
			t.Fatal(err)
		}
		if err := f.Append(metrics.Phase{Name: "train"}); err != nil || f.Vanished() {
			t.Fatalf("error %v, vanished %v", err, f.Vanished())
		}
		if err := os.Rename(f.Path(), f.Path()+"-gone"); err != nil {
			t.Fatal(err)
		}
		if replaced {
			if err := os.Mkdir(f.Path(), 0o777); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.Append(metrics.Phase{Name: "val"}); err == nil || !strings.Contains(err.Error(), "was removed") || !f.Vanished() {
			t.Errorf("error %v, vanished %v", err, f.Vanished())
		}
		if err := f.Restore(); err != nil || f.Vanished() {
			t.Fatalf("error %v, vanished %v", err, f.Vanished())
		}
		phases, err := run.ReadHistory(f.Path())
		if err != nil || len(phases) != 2 || phases[1].Name != "val" {
			t.Errorf("got %v, error %v, want both phases", phases, err)
		}
		var config int
		if err := run.ReadConfig(f.Path(), &config); err != nil || config != 1 {
			t.Errorf("got configuration %d, error %v", config, err)
		}
	}
}

func TestReadHistoryNamesTheBadLine(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, run.HistoryFile), []byte("{\"epoch\":0,\"phase\":\"val\"}\n{\"epoch\":\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := run.ReadHistory(dir); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("got error %v, want one that names line 2", err)
	}
}

func TestSaveBestReplacesTheWhole(t *testing.T) {
	f := create(t, t.TempDir(), false)
	for _, value := range []byte{1, 2} {
		if err := f.SaveBest(weights(value)); err != nil {
			t.Fatal(err)
		}
		got, err := checkpoint.Read(filepath.Join(f.Path(), run.BestFile))
		if err != nil {
			t.Fatal(err)
		}
		if w, ok := got.Get("w"); !ok || w.Data[0] != value || got.Metadata["epoch"] != fmt.Sprint(value) {
			t.Errorf("read back %+v, want the value %d", got, value)
		}
	}
	files, err := filepath.Glob(filepath.Join(f.Path(), "*"))
	if err != nil || len(files) != 1 {
		t.Errorf("the folder holds %q (error %v), want %s alone", files, err, run.BestFile)
	}
}
