package finetune

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"hymenoptera/checkpoint"
	"hymenoptera/hub"
	"hymenoptera/run"
	"hymenoptera/zoo"
)

// Tutorial is the zip of the tutorial's photographs, with the hash that the tutorials' own script compares
// (github.com/pytorch/tutorials/.jenkins/download_data.py).
var Tutorial = hub.File{URL: "https://download.pytorch.org/tutorial/hymenoptera_data.zip",
	SHA256: "fbc41b31d544714d18dd1230b1e2b455e1557766e13e67f9f5a7a23af7c02209", Size: 47_286_322}

// A DownloadError says that data or weights could not be downloaded. Local files may be used instead.
type DownloadError struct {
	Option string // data or weights
	Err    error
}

func (e *DownloadError) Error() string { return e.Err.Error() }
func (e *DownloadError) Unwrap() error { return e.Err }

// downloads returns the configuration for downloads.
func (o Options) downloads(h Hooks) hub.Config {
	cfg := hub.DefaultConfig()
	cfg.Mirror, cfg.AllowHTTP = o.Mirror, o.InsecureMirror
	cfg.Log, cfg.Progress = func(line string) { h.Log.Info(line) }, h.Download
	return cfg
}

// FetchTutorial downloads the tutorial's photographs into the folder dir, unless it exists.
func FetchTutorial(ctx context.Context, dir string, cfg hub.Config) error {
	_, missing := os.Stat(filepath.Dir(dir))
	_, err := hub.FetchFolder(ctx, cfg, Tutorial, "hymenoptera_data", dir)
	if err != nil && errors.Is(missing, os.ErrNotExist) {
		os.Remove(filepath.Dir(dir)) // fails if it holds a part of the download
	}
	return err
}

// readWeights reads the weights to start from, or returns nil for none. Published ones are downloaded if they are not
// here.
func readWeights(ctx context.Context, o Options, arch zoo.Arch, h Hooks) (*checkpoint.StateDict, error) {
	if o.Weights == "none" {
		return nil, nil
	}
	file := o.Weights
	if zoo.IsWeightsName(o.Weights) {
		w, err := arch.FindWeights(o.Weights)
		if err != nil {
			return nil, err
		}
		if file, err = w.Fetch(ctx, o.downloads(h)); err != nil {
			return nil, &DownloadError{Option: "weights", Err: err}
		}
	} else {
		path, _ := checkpoint.Split(o.Weights)
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			return nil, &OptionError{Option: "weights", Problem: fmt.Sprintf("no file %s: want a file, a published name (%s), or none", o.Weights, DefaultWeights)}
		}
		if best, err := run.Best(o.Weights); err == nil { // otherwise it is another folder, which checkpoint refuses
			file = best
		}
	}
	sd, err := checkpoint.Read(file)
	if err != nil {
		return nil, err
	}
	if sd.Wrapper != "" {
		h.Log.Info(fmt.Sprintf("%s: took the state dict %q", o.Weights, sd.Wrapper))
	}
	return sd, nil
}
