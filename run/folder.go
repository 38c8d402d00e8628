package run

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"

	"hymenoptera/checkpoint"
	"hymenoptera/internal/escape"
	"hymenoptera/trainer"
)

// A Folder is a run being written. Close it.
type Folder struct {
	path string
	lock *os.File // the folder itself, locked against a second run
	made []string // the folders that were not there before, outermost first

	config  []byte // what config.json holds; nil before WriteConfig
	history []byte // what history.jsonl holds
}

// Check finds out whether Create would refuse the folder, without making anything.
func Check(path string, overwrite bool) error {
	there := filepath.Clean(path)
	if made := missing(path); len(made) > 0 {
		there = filepath.Dir(made[0])
	}
	if info, err := os.Stat(there); err != nil {
		return fmt.Errorf("run: %w; choose another --out", err)
	} else if !info.IsDir() {
		return fmt.Errorf("run: %s is a file: choose another --out", there)
	}
	if err := unix.Access(there, unix.W_OK|unix.X_OK); err != nil {
		return fmt.Errorf("run: cannot write into %s: %w; choose another --out", there, err)
	}
	if held := held(path); len(held) > 0 && !overwrite {
		return fmt.Errorf("run: %s holds a run already (%s); choose another --out, or add --overwrite to replace it", path, held[0])
	}
	return nil
}

// Create makes the folder, and its parents, for a new run. A folder that holds a run already is refused
// without overwrite, and one that another process is writing a run into in any case. Nothing in it changes
// before WriteConfig.
func Create(path string, overwrite bool) (*Folder, error) {
	if err := Check(path, overwrite); err != nil {
		return nil, err
	}
	f := &Folder{path: path, made: missing(path)}
	if err := os.MkdirAll(path, 0o777); err != nil {
		return nil, fmt.Errorf("run: %w; choose another --out", err)
	}
	var err error
	if f.lock, err = os.Open(path); err != nil {
		return nil, fmt.Errorf("run: %w", err)
	}
	if err := unix.Flock(int(f.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.lock.Close()
		return nil, fmt.Errorf("run: %s: another run is writing into this folder; choose another --out", path)
	}
	return f, nil
}

// missing returns path and those of the folders around it that are not there, outermost first.
func missing(path string) (paths []string) {
	for path = filepath.Clean(path); ; path = filepath.Dir(path) {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return paths
		}
		paths = append([]string{path}, paths...)
	}
}

// held returns the names of those of a run's files that are in a folder.
func held(path string) (names []string) {
	for _, name := range files() {
		if _, err := os.Lstat(filepath.Join(path, name)); err == nil {
			names = append(names, name)
		}
	}
	return names
}

// unfinished returns the names of what a run that was killed while it wrote its files has left in a folder.
func unfinished(path string) (names []string) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil // nothing is found in a folder that cannot be listed
	}
	for _, e := range entries {
		for _, name := range files() {
			// The names of renameio's temporary files.
			if number, ok := strings.CutPrefix(e.Name(), "."+name); ok && number != "" && strings.Trim(number, "0123456789") == "" {
				names = append(names, e.Name())
			}
		}
	}
	return names
}

// Path returns the folder's path.
func (f *Folder) Path() string { return f.path }

// Close lets other runs use the folder. A run that failed before its first phase ended leaves nothing behind.
func (f *Folder) Close() error {
	if f.history == nil {
		if f.config != nil {
			os.Remove(filepath.Join(f.path, ConfigFile))
		}
		for i := range f.made {
			os.Remove(f.made[len(f.made)-1-i]) // fails where somebody has put something into it
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

// Restore makes a folder that has vanished again, with configuration and history so far.
func (f *Folder) Restore() error {
	again, err := Create(f.path, false)
	if err != nil {
		return err
	}
	f.lock.Close()
	f.lock = again.lock
	if err := f.Write(ConfigFile, f.config); err != nil {
		return err
	}
	return f.Write(HistoryFile, f.history)
}

// WriteConfig begins the run: it removes the files of one that is overwritten, finished or not, and no others, and writes
// config.json.
func (f *Folder) WriteConfig(config any) error {
	data, err := encoded(config)
	if err != nil {
		return err
	}
	for _, name := range append(held(f.path), unfinished(f.path)...) {
		if err := os.Remove(filepath.Join(f.path, name)); err != nil {
			return fmt.Errorf("run: %w", err)
		}
	}
	f.config = data
	return f.Write(ConfigFile, data)
}

// Write writes a file of any name into the folder.
func (f *Folder) Write(name string, data []byte) error {
	// In the same folder, because renameio may otherwise choose another one on the same disk.
	return f.explained(renameio.WriteFile(filepath.Join(f.path, name), data, 0o666, renameio.WithTempDir(f.path)))
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

// Append adds a phase to history.jsonl, or nothing of it. Its numbers are in the shortest form that reads
// back to the same bits.
func (f *Folder) Append(p trainer.Phase) error {
	line, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("run: %w", err)
	}
	before := int64(len(f.history))
	f.history = append(append(f.history, escape.JSONBytes(line)...), '\n')
	if f.Vanished() {
		return f.vanished()
	}
	file, err := os.OpenFile(filepath.Join(f.path, HistoryFile), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return fmt.Errorf("run: %w", err)
	}
	defer file.Close()
	if _, err = file.Write(f.history[before:]); err == nil {
		err = file.Sync()
	}
	if err != nil { // as if there had been no line
		file.Truncate(before)
		if f.history = f.history[:before]; before == 0 {
			f.history = nil
			os.Remove(file.Name())
		}
	}
	return f.explained(err)
}

// SaveBest writes best.safetensors.
func (f *Folder) SaveBest(sd *checkpoint.StateDict) error {
	return f.explained(checkpoint.WriteSafetensors(filepath.Join(f.path, BestFile), sd))
}

func encoded(v any) ([]byte, error) {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("run: %w", err)
	}
	return append(escape.JSONBytes(data), '\n'), nil
}

func (f *Folder) vanished() error {
	return fmt.Errorf("run: %s was removed while the run was writing into it", f.path)
}

// explained says what may help against an error of a write.
func (f *Folder) explained(err error) error {
	switch {
	case err == nil:
		return nil
	case f.Vanished():
		return f.vanished()
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT), errors.Is(err, unix.EFBIG):
		return fmt.Errorf("run: %w; make room there, or choose another --out", err)
	}
	return fmt.Errorf("run: %w", err)
}
