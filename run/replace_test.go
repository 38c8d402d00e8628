package run_test

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"hymenoptera/metrics"
	"hymenoptera/run"
)

// contents returns the files under dir with what they hold.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		files[path[len(dir)+1:]] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// write writes files into dir.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, data := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(data), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// oldRun is a whole run, beside files that are not the run's.
var oldRun = map[string]string{"config.json": "old", "history.jsonl": "old", "best.safetensors": "old", "result.json": "old",
	"report.html": "old", "grid.png": "old", "notes.txt": "mine", "data/a.jpg": "mine"}

// A run that ends without weights leaves the old one, and the other files.
func TestOverwriteKeepsTheOldRunUntilTheNewHasWeights(t *testing.T) {
	for _, saved := range []bool{false, true} {
		dir := t.TempDir()
		write(t, dir, oldRun)
		f := create(t, dir, true)
		for _, err := range []error{f.WriteConfig("new"), f.Append(metrics.Phase{Name: "train"}), f.Write("grid.png", []byte("new"))} {
			if err != nil {
				t.Fatal(err)
			}
		}
		for name, data := range oldRun {
			if got := contents(t, dir)[name]; got != data {
				t.Errorf("before there are weights, %s holds %q, want %q", name, got, data)
			}
		}
		want := oldRun
		if saved {
			if err := f.SaveBest(weights(1)); err != nil {
				t.Fatal(err)
			}
			if err := f.Append(metrics.Phase{Name: "val"}); err != nil {
				t.Fatal(err)
			}
			want = map[string]string{"config.json": "\"new\"\n", "grid.png": "new", "notes.txt": "mine", "data/a.jpg": "mine"}
		}
		if f.KeepsOld() == saved {
			t.Errorf("KeepsOld is %v with weights %v", f.KeepsOld(), saved)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		got := contents(t, dir)
		if saved {
			if history, err := run.ReadHistory(dir); err != nil || len(history) != 2 || history[1].Name != "val" {
				t.Errorf("the history is %v, error %v", history, err)
			}
			if got[run.BestFile] == "old" {
				t.Error("the weights are the old ones")
			}
			delete(got, run.HistoryFile)
			delete(got, run.BestFile)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("saved %v: left %q, want %q", saved, got, want)
		}
	}
}

// When a process is killed at any step of the replacement, Settle and the next run find the old run or the new one, whole.
func TestSettle(t *testing.T) {
	const stage, swap = ".hymenoptera-new", ".hymenoptera-swap"
	fresh := map[string]string{"config.json": "new", "history.jsonl": "new", "best.safetensors": "new", "grid.png": "new"}
	mine := map[string]string{"notes.txt": "mine", "data/a.jpg": "mine"}
	in := func(dir string, files map[string]string) map[string]string {
		moved := map[string]string{}
		for name, data := range files {
			moved[dir+"/"+name] = data
		}
		return moved
	}
	join := func(all ...map[string]string) map[string]string {
		sum := map[string]string{}
		for _, m := range all {
			for name, data := range m {
				sum[name] = data
			}
		}
		return sum
	}
	some := map[string]string{"best.safetensors": "old", "report.html": "old"}
	config, rest := map[string]string{"config.json": "new"}, map[string]string{"history.jsonl": "new", "best.safetensors": "new", "grid.png": "new"}
	for name, state := range map[string]struct{ there, want map[string]string }{
		"not yet":       {join(oldRun, in(stage, fresh)), join(oldRun, in(stage, fresh))},
		"begun":         {join(oldRun, in(swap, fresh)), join(mine, fresh)},
		"partly gone":   {join(mine, some, in(swap, fresh)), join(mine, fresh)},
		"gone":          {join(mine, in(swap, fresh)), join(mine, fresh)},
		"configuration": {join(mine, config, in(swap, rest)), join(mine, fresh)},
		"moved":         {join(mine, fresh, in(swap, nil)), join(mine, fresh)},
	} {
		for _, overwritten := range []bool{false, true} {
			dir := t.TempDir()
			write(t, dir, state.there)
			if name == "moved" {
				if err := os.Mkdir(filepath.Join(dir, swap), 0o777); err != nil {
					t.Fatal(err)
				}
			}
			want := state.want
			if !overwritten {
				if err := run.Check(dir, false); err == nil {
					t.Errorf("%s: a run without overwrite is let in", name)
				}
				if err := run.Settle(dir); err != nil {
					t.Fatal(err)
				}
			} else { // by a run that fails
				f := create(t, dir, true)
				if err := f.WriteConfig("newer"); err != nil {
					t.Fatal(err)
				}
				if err := f.Close(); err != nil {
					t.Fatal(err)
				}
				if name == "not yet" {
					want = oldRun
				}
			}
			if got := contents(t, dir); !reflect.DeepEqual(got, want) {
				t.Errorf("%s, overwritten %v: got %q, want %q", name, overwritten, got, want)
			}
			if _, err := os.Lstat(filepath.Join(dir, swap)); err == nil {
				t.Errorf("%s: %s is left", name, swap)
			}
		}
	}
}

// A folder with the name of a run's file is not a run, and is not removed.
func TestOverwriteRefusesFolders(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"config.json": "old", "grid.png/a.png": "mine"})
	if err := create(t, dir, true).WriteConfig("new"); err == nil {
		t.Error("no error")
	}
	if got := contents(t, dir); len(got) != 2 || got["config.json"] != "old" {
		t.Errorf("left %q", got)
	}
}

// Mend writes and names the files of the run that another program removed or cut.
func TestMend(t *testing.T) {
	f := create(t, filepath.Join(t.TempDir(), "run"), false)
	history := func(n int) {
		for range n {
			if err := f.Append(metrics.Phase{Name: "train"}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := f.WriteConfig(1); err != nil {
		t.Fatal(err)
	}
	history(2)
	want := contents(t, f.Path())
	if names, err := f.Mend(); err != nil || len(names) != 0 {
		t.Errorf("nothing was changed: got %q, error %v", names, err)
	}
	for _, spoil := range []func() error{
		func() error { return os.Remove(filepath.Join(f.Path(), run.HistoryFile)) },
		func() error { return os.Truncate(filepath.Join(f.Path(), run.HistoryFile), 10) },
		func() error { return os.WriteFile(filepath.Join(f.Path(), run.HistoryFile), make([]byte, 3000), 0o666) },
		func() error { return os.Remove(filepath.Join(f.Path(), run.ConfigFile)) },
	} {
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Mend(); err != nil || !reflect.DeepEqual(contents(t, f.Path()), want) {
			t.Errorf("error %v, left %q, want %q", err, contents(t, f.Path()), want)
		}
	}
	if names, err := f.Mend(); err != nil || !reflect.DeepEqual(names, []string{run.ConfigFile, run.HistoryFile}) {
		t.Errorf("told of %q, error %v", names, err)
	}
	if err := os.Truncate(filepath.Join(f.Path(), run.HistoryFile), 0); err != nil {
		t.Fatal(err)
	}
	history(1)
	if phases, err := run.ReadHistory(f.Path()); err != nil || len(phases) != 3 {
		t.Errorf("after the next phase %d phases, want 3; error %v", len(phases), err)
	}
}
