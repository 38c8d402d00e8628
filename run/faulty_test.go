package run_test

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hymenoptera/checkpoint"
	"hymenoptera/internal/disk/disktest"
	"hymenoptera/metrics"
	"hymenoptera/run"
)

// The values by which the files of an old run differ from those of the run that replaces it.
const (
	oldValue = 1
	newValue = 7
)

// A pretended records what a run's calls reported as written.
type pretended struct {
	phases int           // written
	saved  metrics.Phase // whose weights were written; N is 0 for none
	err    error
}

// pretend writes the files of a run as a training does, and ends at the first error. As in a training, a failed write of the
// weights shows only at the end of the next epoch. Epochs begin at first, so that the files of two runs differ.
func pretend(sys *disktest.Faulty, dir string, first int) (p pretended) {
	f, err := run.CreateOn(sys, dir, true)
	if err != nil {
		return pretended{err: err}
	}
	defer f.Close()
	if err := f.WriteConfig(first); err != nil {
		return pretended{err: err}
	}
	add := func(phase metrics.Phase) error {
		err := f.Append(phase)
		if err == nil {
			p.phases++
		}
		return err
	}
	s := run.NewSaver(f, func(p metrics.Phase) (*checkpoint.StateDict, error) { return weights(byte(p.Epoch)), nil }, slog.New(slog.DiscardHandler))
	var best metrics.Phase
	for epoch := first; epoch < first+2 && err == nil; epoch++ {
		err = add(metrics.Phase{Epoch: epoch, Name: "train", N: 4})
		if err == nil {
			best = metrics.Phase{Epoch: epoch, Name: "val", N: 4, Corrects: 1 + epoch - first}
			if err = add(best); err == nil {
				err = s.Save(best)
				s.Wait()
			}
		}
	}
	err = errors.Join(err, s.Finish(best, err != nil))
	if err == nil {
		err = f.WriteResult(run.Result{Best: best})
	}
	p.err = errors.Join(err, s.Check(best))
	p.saved, _ = s.Saved()
	return p
}

// When any operation fails, once or with all after it, a folder holds the old run or the new one, with whole files, and the
// next run there succeeds.
func TestFailingOperations(t *testing.T) {
	for _, overwrite := range []bool{false, true} {
		var whole disktest.Faulty
		all := operations(t, &whole, overwrite)
		t.Logf("%d operations, overwriting %v", len(all), overwrite)
		for _, fail := range append([]string{""}, all...) {
			for _, last := range []bool{false, true} {
				dir := folder(t)
				if overwrite {
					try(t, pretend(&disktest.Faulty{}, dir, oldValue).err)
				}
				sys := &disktest.Faulty{Fail: fail, Last: last}
				p := pretend(sys, dir, newValue)
				err := p.err
				if fail != "" && sys.Failed() == nil {
					t.Errorf("%s: did not come", fail)
				}
				if err != nil && !errors.Is(err, errors.Unwrap(sys.Failed())) {
					t.Errorf("%s: error %v, want that of the operation, %v", fail, err, sys.Failed())
				}
				if err == nil && last && fail != "" && !strings.HasPrefix(fail, "close ") {
					t.Errorf("%s: nothing can be written from here on, and no error", fail)
				}
				checkRun(t, dir, fail, p)
				if p = pretend(&disktest.Faulty{}, dir, newValue); p.err != nil {
					t.Errorf("%s: the next run: %v", fail, p.err)
				}
				checkRun(t, dir, fail+", the next run", p)
				if names, err := filepath.Glob(filepath.Join(dir, ".*")); err != nil || len(names) > 0 {
					t.Errorf("%s: the next run left %q", fail, names)
				}
			}
		}
	}
}

// folder returns a path whose last two folders do not exist.
func folder(t *testing.T) string {
	t.Helper()
	home := filepath.Join(t.TempDir(), "home")
	try(t, os.Mkdir(home, 0o777))
	return filepath.Join(home, "runs", "run")
}

// operations returns the operations of a run without failures.
func operations(t *testing.T, sys *disktest.Faulty, overwrite bool) []string {
	t.Helper()
	dir := folder(t)
	if overwrite {
		try(t, pretend(&disktest.Faulty{}, dir, oldValue).err)
	}
	try(t, pretend(sys, dir, newValue).err)
	return slices.Sorted(slices.Values(sys.Ops()))
}

// checkRun fails unless a folder holds files of one run only, all of them whole, and everything that p records as written.
func checkRun(t *testing.T, dir, fail string, p pretended) {
	t.Helper()
	ended := p.err == nil
	if err := run.Settle(dir); err != nil {
		t.Errorf("%s: %v", fail, err)
	}
	var config int
	err := run.ReadConfig(dir, &config)
	if errors.Is(err, fs.ErrNotExist) && !ended {
		if entries, err := os.ReadDir(dir); err == nil && slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name()[0] != '.' }) {
			t.Errorf("%s: no config.json, but %v", fail, entries)
		}
		return
	}
	if err != nil || config != newValue && (config != oldValue || ended) {
		t.Errorf("%s: config.json holds %d, error %v", fail, config, err)
	}
	history, err := run.ReadHistory(dir)
	if errors.Is(err, fs.ErrNotExist) && !ended {
		return // killed before its first phase
	}
	if err != nil || len(history) == 0 || history[0].Epoch != config || (ended || config == oldValue) && len(history) != 4 || config == newValue && len(history) < p.phases {
		t.Errorf("%s: the run of %d has the history %+v, error %v", fail, config, history, err)
	}
	sd, err := checkpoint.Read(filepath.Join(dir, run.BestFile))
	switch {
	case errors.Is(err, fs.ErrNotExist) && !ended && config == newValue:
	case err != nil:
		t.Errorf("%s: %v", fail, err)
	default:
		if w, ok := sd.Get("w"); !ok || int(w.Data[0]) != config && int(w.Data[0]) != config+1 || config == oldValue && int(w.Data[0]) != config+1 || p.saved.N > 0 && int(w.Data[0]) != p.saved.Epoch {
			t.Errorf("%s: the run of %d has the weights %+v", fail, config, w)
		}
	}
	result, err := run.ReadResult(dir)
	if errors.Is(err, fs.ErrNotExist) && !ended && config == newValue {
		return
	}
	if err != nil || result.Best.Epoch != config+1 {
		t.Errorf("%s: the run of %d has the result %+v, error %v", fail, config, result, err)
	}
}

func try(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}
