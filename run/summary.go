package run

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"hymenoptera/metrics"
)

// A Summary has the facts about a run for a comparison.
type Summary struct {
	Name       string // of the folder
	History    metrics.History
	Rule       metrics.Rule // by which the best epoch was chosen
	Trainable  int          // parameters; 0 when unknown
	Parameters int          // all of them
	Memory     int64        // peak in bytes; 0 when unknown
	ValFiles   string       // digest of the validation images' names and sizes; "" when unknown
	// Answers holds, by validation image, whether the best weights got it right; nil when unknown.
	Answers map[string]bool
	Recalls map[string]float64 // by class, of the best weights; nil when unknown
	Options map[string]string  // of the training, by name; nil when unknown
	Report  string             // the path of its page; "" if there is none
}

// ReadSummary reads the folder of a run, which may still be training after its first epoch, or a log file, as ReadLog does.
func ReadSummary(path string) (s Summary, err error) {
	s.Name = filepath.Base(filepath.Clean(path))
	if info, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return s, fmt.Errorf("run: no %s: want the folder of a run, or a log as a CSV file", path)
	} else if err != nil {
		return s, fmt.Errorf("run: %w", err)
	} else if !info.IsDir() {
		if s.History, err = ReadLog(path); err != nil {
			return s, fmt.Errorf("%s: %w; name the folder of a run, or a CSV file", path, err)
		}
		return s, nil
	}
	if err := Settle(path); err != nil {
		return s, err
	}
	if s.History, err = readEpochs(path); err != nil {
		return s, err
	}
	var config struct {
		Setup
		Best metrics.Rule `json:"best"`
	}
	var all map[string]any
	result, resultErr := ReadResult(path) // missing while the training runs
	answers, answersErr := ReadPredictions(path)
	for _, err := range []error{ReadConfig(path, &config), ReadConfig(path, &all), resultErr, answersErr} {
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return s, err
		}
	}
	if config.Trainable < 0 || config.Trainable > config.Parameters {
		return s, fmt.Errorf("run: %s: %d of %d parameters cannot be trainable", filepath.Join(path, ConfigFile), config.Trainable, config.Parameters)
	}
	if result.PeakMemory < 0 {
		return s, fmt.Errorf("run: %s: peak_memory %d: want 0 or more", filepath.Join(path, ResultFile), result.PeakMemory)
	}
	s.Rule = config.Best
	s.Trainable, s.Parameters, s.Memory = config.Trainable, config.Parameters, result.PeakMemory
	s.ValFiles, s.Options = config.ValFiles, optionsOf(all)
	s.mark(answers)
	if page := filepath.Join(path, ReportFile); regularFile(page) {
		s.Report = page
	}
	return s, nil
}

// readEpochs reads the history of a run that has finished an epoch.
func readEpochs(dir string) (metrics.History, error) {
	h, err := ReadHistory(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("run: %s is not the folder of a run: it holds no %s", dir, HistoryFile)
	}
	if err != nil {
		return nil, err
	}
	for i, p := range h {
		if err := p.Check(); err != nil {
			return nil, fmt.Errorf("run: %s line %d: %w", filepath.Join(dir, HistoryFile), i+1, err)
		}
	}
	if len(h.Of("val")) == 0 {
		return nil, fmt.Errorf("run: %s: the run has not finished an epoch: there is nothing to compare", dir)
	}
	return h, nil
}

// mark sets which answers are right, and the share of right answers of each class.
func (s *Summary) mark(answers []Prediction) {
	s.Answers, s.Recalls = map[string]bool{}, map[string]float64{}
	images := map[string]float64{} // by class
	for _, a := range answers {
		right := a.Label == a.Predicted
		s.Answers[a.File] = right
		if images[a.Label]++; right {
			s.Recalls[a.Label]++
		}
	}
	for class, n := range images {
		s.Recalls[class] /= n
	}
}

// notOptions are the fields of config.json that say what a training found, or do not change its results.
var notOptions = []string{"out", "overwrite", "beneath", "cache", "checkpoint_every", "choices"}

// optionsOf returns the options in the content of a config.json as text.
func optionsOf(config map[string]any) map[string]string {
	options := map[string]string{}
	for name, v := range config {
		options[name] = fmt.Sprint(v)
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Setup]()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		delete(options, name)
	}
	for _, name := range notOptions {
		delete(options, name)
	}
	return options
}

func regularFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
