package run

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"hymenoptera/checkpoint"
	"hymenoptera/internal/disk"
	"hymenoptera/internal/escape"
	"hymenoptera/internal/regular"
	"hymenoptera/metrics"
)

// A Folder is the folder of a running training. It must be closed.
type Folder struct {
	disk disk.System
	path string
	lock *os.File // the folder itself, locked against a second run
	made []string // the folders that did not exist before, outermost first

	mu      sync.Mutex        // guards the fields below, since files are written while the training runs
	dir     string            // folder of the run's files: path or, while an old run is replaced, stage(path), then swap(path)
	written map[string][]byte // content of every file but best.safetensors, by name
	changed []string          // names of files that another program changed

	named bool // last.safetensors names the weights in best.safetensors; belongs to the caller of SaveBest
}

// Check returns the error with which Create would refuse the folder, a [*HeldError] or a [*FolderError]. It changes
// nothing.
func Check(path string, overwrite bool) error {
	there := filepath.Clean(path)
	if made := missing(path); len(made) > 0 {
		there = filepath.Dir(made[0])
	}
	if info, err := os.Stat(there); err != nil {
		return &FolderError{Err: err}
	} else if !info.IsDir() {
		return folderErrorf("%s is a file", there)
	}
	if err := unix.Access(there, unix.W_OK|unix.X_OK); err != nil {
		return folderErrorf("cannot write into %s: %w", there, err)
	}
	if Held(path) && !overwrite {
		return &HeldError{Path: path, File: append(held(path), held(swap(path))...)[0]}
	}
	return nil
}

// Create makes the folder, and its parents, for a new run. Without overwrite, it refuses a folder that holds a run. It
// always refuses a folder that another process writes a run into. Nothing in the folder changes before WriteConfig, and an
// old run stays until SaveBest has written the first weights.
func Create(path string, overwrite bool) (*Folder, error) {
	return CreateOn(disk.OS{}, path, overwrite)
}

// CreateOn is Create on any file system, for tests.
func CreateOn(sys disk.System, path string, overwrite bool) (*Folder, error) {
	if err := Check(path, overwrite); err != nil {
		return nil, err
	}
	f := &Folder{disk: sys, path: path, dir: path, made: missing(path), written: map[string][]byte{}}
	if err := sys.MkdirAll(path, 0o777); err != nil {
		return nil, &FolderError{Err: err}
	}
	if err := f.hold(); err != nil {
		return nil, err
	}
	for _, made := range f.made {
		if err := disk.SyncFolder(sys, filepath.Dir(made)); err != nil {
			f.Close()
			return nil, &FolderError{Err: err}
		}
	}
	return f, nil
}

// hold locks the folder.
func (f *Folder) hold() (err error) {
	if f.lock, err = os.Open(f.path); err != nil {
		return fmt.Errorf("run: %w", err)
	}
	if err := unix.Flock(int(f.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.lock.Close()
		return folderErrorf("%s: another run is writing into this folder", f.path)
	}
	return nil
}

// missing returns path and the folders around it, as far as they do not exist, outermost first.
func missing(path string) (paths []string) {
	for path = filepath.Clean(path); ; path = filepath.Dir(path) {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return paths
		}
		paths = append([]string{path}, paths...)
	}
}

// Held reports whether a folder holds a run.
func Held(path string) bool { return len(held(path))+len(held(swap(path))) > 0 }

// held returns the names of those of a run's files that are in a folder.
func held(path string) (names []string) {
	for _, name := range files() {
		if _, err := os.Lstat(filepath.Join(path, name)); err == nil {
			names = append(names, name)
		}
	}
	return names
}

// unfinished returns the names of incomplete files that a killed run left in a folder.
func unfinished(path string) (names []string) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil // the folder cannot be listed
	}
	for _, e := range entries {
		for _, name := range files() {
			// The names of disk.Temporary.
			if number, ok := strings.CutPrefix(e.Name(), "."+name); ok && number != "" && strings.Trim(number, "0123456789") == "" {
				names = append(names, e.Name())
			}
		}
	}
	return names
}

// HoldsLast reports whether the run has written last.safetensors.
func (f *Folder) HoldsLast() bool {
	_, err := os.Lstat(filepath.Join(f.dir, LastFile))
	return err == nil
}

// Path returns the folder's path.
func (f *Folder) Path() string { return f.path }

// Close lets other runs use the folder. A run that failed before its first phase ended leaves no files, and one that failed
// before its first weights leaves only the old run. A run that has written a last.safetensors keeps its files.
func (f *Folder) Close() error {
	switch {
	case f.HoldsLast():
	case f.KeepsOld():
		if !f.Vanished() {
			f.disk.RemoveAll(f.dir)
		}
	case f.written[HistoryFile] == nil:
		if f.written[ConfigFile] != nil {
			f.disk.Remove(filepath.Join(f.path, ConfigFile))
		}
		for i := range f.made {
			f.disk.Remove(f.made[len(f.made)-1-i]) // fails if the folder is no longer empty
		}
	}
	return f.lock.Close()
}

// Vanished reports whether the folder was removed, or replaced by another.
func (f *Folder) Vanished() bool {
	there, err := os.Stat(f.path)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	ours, err := f.lock.Stat()
	return err == nil && !os.SameFile(there, ours)
}

// Restore creates a vanished folder again, with all its files except the weights.
func (f *Folder) Restore() error {
	again, err := CreateOn(f.disk, f.path, false)
	if err != nil {
		return err
	}
	f.lock.Close()
	f.lock, f.dir, f.named = again.lock, f.path, false
	for name, data := range f.written {
		if err := f.Write(name, data); err != nil {
			return err
		}
	}
	return nil
}

// Mend rewrites the files, except the weights, that another program removed or changed. It returns their names, in order.
func (f *Folder) Mend() (names []string, err error) {
	for name, data := range f.written {
		if there, err := regular.Read(filepath.Join(f.dir, name), int64(len(data))); err == nil && bytes.Equal(there, data) {
			continue
		}
		f.changed = append(f.changed, name)
		if err := f.Write(name, data); err != nil {
			return nil, err
		}
	}
	slices.Sort(f.changed)
	f.changed = slices.Compact(f.changed)
	return f.changed, nil
}

// WriteConfig begins the run: it writes config.json, and removes unfinished files of a killed run.
func (f *Folder) WriteConfig(config any) error {
	data, err := encoded(config)
	if err != nil {
		return err
	}
	if err := f.clear(); err != nil {
		return err
	}
	if old := held(f.path); len(old) > 0 {
		for _, name := range old {
			if info, err := os.Lstat(filepath.Join(f.path, name)); err == nil && info.IsDir() {
				return folderErrorf("%s is a folder, not a file of a run", filepath.Join(f.path, name))
			}
		}
		f.dir = stage(f.path)
		if err := f.disk.Mkdir(f.dir, 0o777); err != nil {
			return f.writeError(err)
		}
	}
	return f.Write(ConfigFile, data)
}

// Write writes a file of any name into the folder. It may be called from several goroutines.
func (f *Folder) Write(name string, data []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.write(name, data)
}

func (f *Folder) write(name string, data []byte) error {
	err := disk.Replace(f.disk, filepath.Join(f.dir, name), disk.Bytes(data))
	if err == nil {
		f.written[name] = data
		err = disk.SyncFolder(f.disk, f.dir)
	}
	return f.writeError(err)
}

// writeTensors writes a file of tensors.
func (f *Folder) writeTensors(name string, sd *checkpoint.StateDict) error {
	err := disk.Replace(f.disk, filepath.Join(f.dir, name), func(w io.Writer) error { return checkpoint.EncodeSafetensors(w, sd) })
	if err == nil {
		err = disk.SyncFolder(f.disk, f.dir)
	}
	return err
}

// WritePredictions writes predictions.json.
func (f *Folder) WritePredictions(ps []Prediction) error { return f.writeJSON(PredictionsFile, ps) }

// WriteResult writes result.json.
func (f *Folder) WriteResult(r Result) error { return f.writeJSON(ResultFile, r) }

func (f *Folder) writeJSON(name string, v any) error {
	data, err := encoded(v)
	if err != nil {
		return err
	}
	return f.Write(name, data)
}

// Append adds a phase to history.jsonl, all or nothing. Its numbers have the shortest form that reads back to the
// same bits.
func (f *Folder) Append(p metrics.Phase) error {
	line, err := EncodeHistory(metrics.History{p})
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	before := f.written[HistoryFile]
	after := append(before, line...)
	if f.Vanished() {
		f.written[HistoryFile] = after
		return f.vanished()
	}
	if before == nil {
		return f.write(HistoryFile, after)
	}
	name := filepath.Join(f.dir, HistoryFile)
	file, err := f.disk.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return f.writeError(err)
	}
	if info, err := file.Stat(); err == nil && info.Size() != int64(len(before)) {
		file.Close()
		f.changed = append(f.changed, HistoryFile)
		return f.write(HistoryFile, after)
	}
	if _, err = file.Write(after[len(before):]); err == nil {
		err = file.Sync()
	}
	if err != nil {
		file.Truncate(int64(len(before))) // undoes the append
	} else {
		f.written[HistoryFile] = after
	}
	return f.writeError(cmp.Or(err, file.Close()))
}

// SaveBest writes best.safetensors. The first call removes an old run that the folder has kept. Only one goroutine
// may call it at a time.
func (f *Folder) SaveBest(sd *checkpoint.StateDict) error {
	if err := f.keep(); err != nil {
		return f.writeError(err)
	}
	if err := f.writeTensors(BestFile, sd); err != nil || f.dir == f.path {
		return f.writeError(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.writeError(f.replaceOld())
}

// EncodeHistory returns the lines of history.jsonl.
func EncodeHistory(h metrics.History) (lines []byte, err error) {
	for _, p := range h {
		line, err := json.Marshal(p)
		if err != nil {
			return nil, fmt.Errorf("run: %w", err)
		}
		lines = append(append(lines, escape.JSONBytes(line)...), '\n')
	}
	return lines, nil
}

func encoded(v any) ([]byte, error) {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("run: %w", err)
	}
	return append(escape.JSONBytes(data), '\n'), nil
}
