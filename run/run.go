// Package run is the folder that a training run leaves behind:
//
//	config.json       what was asked for and with what it ran
//	history.jsonl     a line a phase, written when the phase ends
//	best.safetensors  the best weights so far, with all that it takes to use them
//	predictions.json  what they say of the validation images
//	report.html       the run to look at; its pictures are grid.png, predictions.png, curves.png and .svg
//	result.json       what came out; there only when the training came to its end
//
// Every file is whole at any moment: it is replaced by renaming, or grows by single lines.
package run

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"

	"hymenoptera/checkpoint"
	"hymenoptera/trainer"
)

// Names of the files in a run's folder.
const (
	ConfigFile  = "config.json"
	HistoryFile = "history.jsonl"
	BestFile    = "best.safetensors"
	ResultFile  = "result.json"

	ReportFile      = "report.html"
	PredictionsFile = "predictions.json"
)

// files returns the names of all that a run may leave.
func files() []string {
	return []string{ConfigFile, HistoryFile, BestFile, ResultFile, ReportFile, PredictionsFile,
		"grid.png", "predictions.png", "curves.png", "curves.svg"}
}

// A Result is what a training came to.
type Result struct {
	Best    trainer.Phase `json:"best"`
	Seconds float64       `json:"seconds"`
	// ReportSeconds is the share of them that the report and its pictures took.
	ReportSeconds float64 `json:"report_seconds"`
	PeakMemory    int64   `json:"peak_memory"`  // bytes of the process
	FinalSHA256   string  `json:"final_sha256"` // of the state dict after the last epoch
	BestSHA256    string  `json:"best_sha256"`  // of the best one
}

// A Folder is a run being written. Close it.
type Folder struct {
	path string
	lock *os.File // the folder itself, locked against a second run
	made bool     // the folder was not there before
}

// Create makes the folder, and its parents, for a new run. A folder that holds a run already is refused;
// with overwrite its files are removed, and no others. A folder that another process is writing a run into
// is refused in any case.
func Create(path string, overwrite bool) (*Folder, error) {
	_, err := os.Stat(path)
	made := errors.Is(err, fs.ErrNotExist)
	if err := os.MkdirAll(path, 0o777); err != nil {
		return nil, fmt.Errorf("run: %w", err)
	}
	lock, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("run: %w", err)
	}
	f := &Folder{path, lock, made}
	if err := f.prepare(overwrite); err != nil {
		lock.Close()
		return nil, err
	}
	return f, nil
}

func (f *Folder) prepare(overwrite bool) error {
	if err := unix.Flock(int(f.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return fmt.Errorf("run: %s: another run is writing into this folder; choose another --out", f.path)
	}
	for _, name := range files() {
		file := filepath.Join(f.path, name)
		if _, err := os.Lstat(file); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if !overwrite {
			return fmt.Errorf("run: %s holds a run already (%s); choose another --out, or add --overwrite to replace it", f.path, name)
		}
		if err := os.Remove(file); err != nil {
			return fmt.Errorf("run: %w", err)
		}
	}
	return nil
}

// Path returns the folder's path.
func (f *Folder) Path() string { return f.path }

// Close lets other runs use the folder. A run that failed before its first phase ended leaves nothing behind.
func (f *Folder) Close() error {
	if _, err := os.Lstat(filepath.Join(f.path, HistoryFile)); errors.Is(err, fs.ErrNotExist) {
		os.Remove(filepath.Join(f.path, ConfigFile))
		if f.made {
			os.Remove(f.path) // fails where somebody has put something into it
		}
	}
	return f.lock.Close()
}

// WriteConfig writes config.json.
func (f *Folder) WriteConfig(config any) error { return f.writeJSON(ConfigFile, config) }

// Write writes a file of any name into the folder.
func (f *Folder) Write(name string, data []byte) error {
	return wrapped(renameio.WriteFile(filepath.Join(f.path, name), data, 0o666))
}

// A Prediction is a line of predictions.json.
type Prediction struct {
	File       string  `json:"file"` // below the validation folder
	Label      string  `json:"label"`
	Predicted  string  `json:"predicted"`
	Confidence float64 `json:"confidence"` // the probability of the predicted class
}

// WritePredictions writes predictions.json.
func (f *Folder) WritePredictions(ps []Prediction) error { return f.writeJSON(PredictionsFile, ps) }

// WriteResult writes result.json.
func (f *Folder) WriteResult(r Result) error { return f.writeJSON(ResultFile, r) }

func (f *Folder) writeJSON(name string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("run: %w", err)
	}
	return wrapped(renameio.WriteFile(filepath.Join(f.path, name), append(data, '\n'), 0o666))
}

// Append adds a phase to history.jsonl. Its numbers are in the shortest form that reads back to the same
// bits.
func (f *Folder) Append(p trainer.Phase) error {
	line, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("run: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(f.path, HistoryFile), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return fmt.Errorf("run: %w", err)
	}
	_, err = file.Write(append(line, '\n'))
	return wrapped(errors.Join(err, file.Sync(), file.Close()))
}

// SaveBest writes best.safetensors.
func (f *Folder) SaveBest(sd *checkpoint.StateDict) error {
	return wrapped(checkpoint.WriteSafetensors(filepath.Join(f.path, BestFile), sd))
}

func wrapped(err error) error {
	if err != nil {
		return fmt.Errorf("run: %w", err)
	}
	return nil
}

// ReadPredictions returns what predictions.json holds.
func ReadPredictions(path string) (ps []Prediction, err error) {
	return ps, readJSON(filepath.Join(path, PredictionsFile), &ps)
}

// ReadResult returns what result.json holds.
func ReadResult(path string) (r Result, err error) {
	return r, readJSON(filepath.Join(path, ResultFile), &r)
}

// ReadConfig reads config.json into v.
func ReadConfig(path string, v any) error { return readJSON(filepath.Join(path, ConfigFile), v) }

func readJSON(file string, v any) error {
	data, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		return fmt.Errorf("run: %s: %w", file, err)
	}
	return nil
}

// ReadHistory returns the phases of a run's folder in the order in which they ended.
func ReadHistory(path string) ([]trainer.Phase, error) {
	file := filepath.Join(path, HistoryFile)
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("run: %w", err)
	}
	var phases []trainer.Phase
	for i, line := range bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n")) {
		var p trainer.Phase
		if err := json.Unmarshal(line, &p); err != nil {
			return nil, fmt.Errorf("run: %s line %d: %w", file, i+1, err)
		}
		phases = append(phases, p)
	}
	return phases, nil
}
