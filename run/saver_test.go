package run

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hymenoptera/checkpoint"
	"hymenoptera/metrics"
)

func try(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// newTestSaver returns a saver for a new folder, and its log.
func newTestSaver(t *testing.T) (*Saver, *strings.Builder) {
	t.Helper()
	folder, err := Create(filepath.Join(t.TempDir(), "run"), false)
	try(t, err)
	t.Cleanup(func() { folder.Close() })
	try(t, folder.WriteConfig(1))
	weights := func(p metrics.Phase) (*checkpoint.StateDict, error) {
		return &checkpoint.StateDict{
			Tensors:  []checkpoint.Tensor{{Name: "w", DType: checkpoint.Uint8, Shape: []int64{4}, Data: []byte{byte(p.Epoch), 1, 2, 3}}},
			Metadata: map[string]string{"epoch": fmt.Sprint(p.Epoch)},
		}, nil
	}
	var log strings.Builder
	return NewSaver(folder, weights, slog.New(slog.NewTextHandler(&log, nil))), &log
}

// checkSaved fails unless the file holds the weights of an epoch.
func checkSaved(t *testing.T, s *Saver, epoch int) {
	t.Helper()
	sd, err := checkpoint.Read(filepath.Join(s.folder.Path(), BestFile))
	if saved, sum := s.Saved(); err != nil || sd.Metadata["epoch"] != fmt.Sprint(epoch) || saved.Epoch != epoch || saved.N == 0 || sum != digest(sd) {
		t.Errorf("error %v, saved %+v, want epoch %d", err, saved, epoch)
	}
}

func TestSaverWritesTheLast(t *testing.T) {
	s, _ := newTestSaver(t)
	written := make(chan struct{})
	s.work.Start(func() { <-written }) // an earlier file
	for epoch := range 3 {
		try(t, s.Save(metrics.Phase{Epoch: epoch, Name: "val", N: 4}))
	}
	close(written)
	try(t, s.Wait())
	checkSaved(t, s, 2)
}

func TestSaverTriesAgainAtTheEnd(t *testing.T) {
	s, _ := newTestSaver(t)
	file := filepath.Join(s.folder.Path(), BestFile)
	try(t, os.Mkdir(file, 0o777)) // in the way
	best := metrics.Phase{Epoch: 3, Name: "val", N: 4, Corrects: 3, Acc: 0.75, Loss: 0.5}
	try(t, s.Save(best))
	if err := s.Wait(); err == nil || s.saved.N != 0 {
		t.Errorf("written over a folder: error %v, saved %+v", err, s.saved)
	}
	if err := s.Save(best); err == nil {
		t.Error("the next Save does not return the error")
	}
	if err := s.Finish(best, false); err == nil {
		t.Error("no error, though a folder is in the way")
	}
	try(t, os.Remove(file), s.Finish(best, false))
	checkSaved(t, s, 3)
}

func TestSaverRestoresTheFolder(t *testing.T) {
	s, log := newTestSaver(t)
	best := metrics.Phase{Epoch: 1, Name: "val", N: 4, Corrects: 1}
	try(t, s.Save(best), s.Wait(), os.RemoveAll(s.folder.Path()), s.Finish(best, true))
	checkSaved(t, s, 1)
	if _, err := os.Stat(filepath.Join(s.folder.Path(), ConfigFile)); err != nil || !strings.Contains(log.String(), "it was recreated with the results so far") {
		t.Errorf("error %v, logged %q", err, log)
	}
}

func TestSaverChecksTheFolder(t *testing.T) {
	s, log := newTestSaver(t)
	file := filepath.Join(s.folder.Path(), BestFile)
	best := metrics.Phase{Epoch: 3, Name: "val", N: 4, Corrects: 3, Acc: 0.75, Loss: 0.5}
	try(t, s.Save(best), s.Finish(best, false), s.Check(best))
	if log.Len() > 0 {
		t.Errorf("nothing was changed: logged %q", log)
	}
	sd, err := checkpoint.Read(file)
	try(t, err)
	for name, spoil := range map[string]func() error{
		"removed": func() error { return os.Remove(file) },
		"cut":     func() error { return os.Truncate(file, 20) },
		"another": func() error {
			other := checkpoint.Tensor{Name: "v", DType: checkpoint.Uint8, Shape: []int64{1}, Data: []byte{1}}
			return checkpoint.WriteSafetensors(file, &checkpoint.StateDict{Tensors: []checkpoint.Tensor{other}, Metadata: sd.Metadata})
		},
		"folder removed": func() error { return os.RemoveAll(s.folder.Path()) },
	} {
		log.Reset()
		try(t, spoil())
		if err := s.Check(best); err != nil || !strings.Contains(log.String(), "level=WARN") {
			t.Errorf("%s: error %v, logged %q", name, err, log)
		}
		checkSaved(t, s, 3)
	}
	try(t, os.Remove(file), os.Mkdir(file, 0o777)) // in the way
	if err := s.Check(best); err == nil || s.saved.N != 0 {
		t.Errorf("weights that cannot be written again: error %v, saved %+v", err, s.saved)
	}
}

// Weights that got no image right do not replace an old run if the training failed.
func TestSaverKeepsTheOldRun(t *testing.T) {
	dir := t.TempDir()
	try(t, os.WriteFile(filepath.Join(dir, HistoryFile), []byte("old"), 0o666))
	folder, err := Create(dir, true)
	try(t, err)
	defer folder.Close()
	try(t, folder.WriteConfig(1))
	weights := func(metrics.Phase) (*checkpoint.StateDict, error) { return &checkpoint.StateDict{}, nil }
	s := NewSaver(folder, weights, slog.New(slog.DiscardHandler))
	nothing := metrics.Phase{Name: "val", N: 4}
	if try(t, s.Finish(nothing, true), s.Check(nothing)); !folder.KeepsOld() {
		t.Error("a failed training replaced the old run")
	}
	if try(t, s.Finish(nothing, false)); folder.KeepsOld() {
		t.Error("a training that ended did not replace the old run")
	}
}
