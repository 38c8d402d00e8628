package run

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"hymenoptera/internal/regular"
	"hymenoptera/metrics"
)

// maxFile is the largest file that is read, in bytes. A line of history or predictions takes one or two hundred.
const maxFile = 1 << 30

// ReadPredictions reads predictions.json.
func ReadPredictions(path string) (ps []Prediction, err error) {
	return ps, readJSON(filepath.Join(path, PredictionsFile), &ps)
}

// ReadResult reads result.json.
func ReadResult(path string) (r Result, err error) {
	return r, readJSON(filepath.Join(path, ResultFile), &r)
}

// ReadConfig reads config.json into v.
func ReadConfig(path string, v any) error { return readJSON(filepath.Join(path, ConfigFile), v) }

func readJSON(file string, v any) error {
	data, err := regular.Read(file, maxFile)
	if err == nil {
		err = unmarshal(data, v)
	}
	if err != nil {
		return fmt.Errorf("run: %s: %w", file, err)
	}
	return nil
}

// unmarshal is json.Unmarshal with errors that quote little of data.
func unmarshal(data []byte, v any) error {
	err := json.Unmarshal(data, v)
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return fmt.Errorf("%s: want %v, got %.40s", wrong.Field, wrong.Type, wrong.Value)
	}
	return err
}

// ReadHistory returns the phases of a run's folder in the order in which they ended. It ignores an incomplete last
// line, which a killed or running training may leave.
func ReadHistory(path string) (metrics.History, error) {
	file := filepath.Join(path, HistoryFile)
	data, err := regular.Read(file, maxFile)
	if err != nil {
		return nil, fmt.Errorf("run: %w", err)
	}
	phases, err := ParseHistory(data)
	if err != nil {
		return nil, fmt.Errorf("run: %s %w", file, err)
	}
	return phases, nil
}

// ParseHistory returns the phases in the content of a history.jsonl, as ReadHistory does.
func ParseHistory(data []byte) (phases metrics.History, err error) {
	whole := data[:bytes.LastIndexByte(data, '\n')+1]
	for i, line := range bytes.SplitAfter(whole, []byte("\n")) {
		if len(line) == 0 {
			break
		}
		var p metrics.Phase
		if err := unmarshal(line, &p); err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		phases = append(phases, p)
	}
	return phases, nil
}

// ReadLog reads another program's log of a training: a CSV file as [metrics.ReadCSV] takes it.
func ReadLog(file string) (metrics.History, error) {
	const most = 64 << 20 // bytes; a million phases take half of that
	data, err := regular.Read(file, most)
	var path *fs.PathError
	if errors.As(err, &path) { // the caller names the file
		err = path.Err
	}
	if err != nil {
		return nil, err
	}
	return metrics.ReadCSV(bytes.NewReader(data))
}

// Best returns the best.safetensors of a path that is the folder of a run, and any other path as it is. If a process
// was killed while it replaced an old run there, Best finishes that first.
func Best(path string) (string, error) {
	if !regular.IsFolder(path) {
		if filepath.Base(path) == BestFile {
			return path, Settle(filepath.Dir(path))
		}
		return path, nil
	}
	if err := Settle(path); err != nil {
		return "", err
	}
	file := filepath.Join(path, BestFile)
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("run: %s holds no %s: name the folder of a run, or a file", path, BestFile)
	}
	return file, nil
}
