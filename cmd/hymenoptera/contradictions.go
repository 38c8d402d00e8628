package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"
)

// outsideData refuses a run's folder among the images: its pictures would be trained with the next time.
func (o options) outsideData() error {
	out, err := filepath.Abs(o.Out)
	if err != nil {
		return err
	}
	if data, err := filepath.Abs(o.Data); err == nil && data == out {
		return usageError{fmt.Errorf("--out %s is the folder of the images: choose another --out", o.Out)}
	}
	sets := []string{"train", "val"}
	if o.ValFraction > 0 && !isFolder(filepath.Join(o.Data, "train")) {
		sets = []string{"."} // holds the classes themselves
	}
	for _, set := range sets {
		images, err := filepath.Abs(filepath.Join(o.Data, set))
		if err != nil {
			return err
		}
		if strings.HasPrefix(out+string(filepath.Separator), images+string(filepath.Separator)) {
			return usageError{fmt.Errorf("--out %s lies among the images in %s: the pictures of the run would become some of them; choose another --out", o.Out, images)}
		}
	}
	return nil
}

// contradictions refuses flags that were given and that other flags leave without effect.
func (o options) contradictions(f *pflag.FlagSet) error {
	for _, c := range []struct {
		flag    string
		effect  bool
		without string
	}{
		{"momentum", o.Optimizer == "sgd", "--optimizer " + o.Optimizer},
		{"nesterov", o.Optimizer == "sgd", "--optimizer " + o.Optimizer},
		{"step-size", o.Scheduler == "step", "--scheduler " + o.Scheduler},
		{"no-flip", !o.Probe || o.Views > 0, "--probe of the centre"},
		{"gamma", o.Scheduler != "cosine", "--scheduler " + o.Scheduler},
	} {
		if f.Changed(c.flag) && !c.effect {
			return usageError{fmt.Errorf("--%s has no effect with %s: leave one of them out", c.flag, c.without)}
		}
	}
	return nil
}
