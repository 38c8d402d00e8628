package run_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"hymenoptera/run"
)

// FuzzReadSummary reads all small files of a run.
func FuzzReadSummary(f *testing.F) {
	dir := f.TempDir()
	f.Add([]byte(`{"classes":["ants","bees"],"trainable_parameters":2,"parameters":3,"best":"loss"}`),
		[]byte(`{"epoch":0,"phase":"train","loss":0.5,"acc":0.5,"corrects":2,"n":4}`+"\n"+`{"epoch":0,"phase":"val","loss":0.25,"acc":1,"corrects":4,"n":4}`+"\n"),
		[]byte(`{"best":{"epoch":0,"phase":"val"},"peak_memory":100}`), []byte(`[{"file":"ants/1.jpg","label":"ants","predicted":"bees","confidence":0.5}]`))
	f.Add([]byte("{"), []byte("{}\nnull\n{\"phase\":"), []byte("null"), []byte("[null]"))
	f.Fuzz(func(t *testing.T, config, history, result, predictions []byte) {
		for name, data := range map[string][]byte{run.ConfigFile: config, run.HistoryFile: history, run.ResultFile: result, run.PredictionsFile: predictions} {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		s, err := run.ReadSummary(dir)
		if err != nil {
			if len(err.Error()) > 4096 {
				t.Errorf("an error of %d bytes: %.200s", len(err.Error()), err)
			}
			return
		}
		for _, p := range s.History {
			if err := p.Check(); err != nil {
				t.Error(err)
			}
		}
		if len(s.History.Of("val")) == 0 || s.Trainable < 0 || s.Trainable > s.Parameters || s.Memory < 0 {
			t.Errorf("got %+v", s)
		}
		_, _ = s.History.Best(s.Rule)
	})
}

// FuzzSettle starts with any set of files of an old run and of a run that was replacing it.
func FuzzSettle(f *testing.F) {
	names := []string{run.ConfigFile, run.HistoryFile, run.BestFile, run.ResultFile}
	f.Add(uint8(0xff), uint8(0x0f), true)
	f.Fuzz(func(t *testing.T, old, new uint8, swap bool) {
		dir := t.TempDir()
		hidden := filepath.Join(dir, ".hymenoptera-new")
		if swap {
			hidden = filepath.Join(dir, ".hymenoptera-swap")
		}
		err := os.Mkdir(hidden, 0o777)
		for i, name := range names {
			if old>>i&1 != 0 {
				err = errors.Join(err, os.WriteFile(filepath.Join(dir, name), []byte("old"), 0o666))
			}
			if new>>i&1 != 0 {
				err = errors.Join(err, os.WriteFile(filepath.Join(hidden, name), []byte("new"), 0o666))
			}
		}
		if err := errors.Join(err, run.Settle(dir), run.Settle(dir)); err != nil {
			t.Fatal(err)
		}
		begins := new&1 != 0 // config.json is still there, so the old run's files must be removed
		for i, name := range names {
			want := ""
			if old>>i&1 != 0 && !(swap && begins) {
				want = "old"
			}
			if swap && new>>i&1 != 0 {
				want = "new"
			}
			if data, _ := os.ReadFile(filepath.Join(dir, name)); string(data) != want {
				t.Errorf("%s holds %q, want %q", name, data, want)
			}
		}
	})
}
