package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hymenoptera/checkpoint"
	"hymenoptera/metrics"
	"hymenoptera/run"
	"hymenoptera/torch"
	"hymenoptera/zoo"
)

// Of weights that come while others are being written, the last are written. What could not be written is written at the
// end, where there is room again.
func TestSavingTheBestWeights(t *testing.T) {
	err := torch.Do(t.Context(), func(s *torch.Scope) error {
		arch, err := zoo.Find("resnet18")
		try(t, err)
		folder, err := run.Create(filepath.Join(t.TempDir(), "run"), false)
		try(t, err)
		defer folder.Close()
		try(t, folder.WriteConfig(1))
		file := filepath.Join(folder.Path(), run.BestFile)
		var said strings.Builder
		c := newConsole(&job{options: defaultOptions(), model: arch.New(s, 2), classes: []string{"ants", "bees"},
			folder: folder, messages: newMessages(&said)})
		written := make(chan struct{})
		c.work.start(func() { <-written }) // an earlier file
		for epoch := range 3 {
			try(t, c.save(metrics.Phase{Epoch: epoch, Name: "val", N: 4}))
		}
		close(written)
		try(t, c.written())
		if sd, err := checkpoint.Read(file); err != nil || sd.Metadata["epoch"] != "2" || c.saved.Epoch != 2 {
			t.Errorf("after three: error %v, saved %+v, want the last", err, c.saved)
		}
		c.saved = metrics.Phase{}
		try(t, os.Remove(file), os.Mkdir(file, 0o777)) // in the way
		best := metrics.Phase{Epoch: 3, Name: "val", N: 4, Corrects: 3, Acc: 0.75, Loss: 0.5}
		try(t, c.save(best))
		if err := c.written(); err == nil || c.saved.N != 0 {
			t.Errorf("written over a folder: error %v, saved %+v", err, c.saved)
		}
		if err := c.secure(best, nil); err == nil {
			t.Error("nothing went wrong, though a folder is in the way")
		}
		try(t, os.Remove(file))
		if err := c.secure(best, nil); err != nil || c.saved != best {
			t.Errorf("error %v, saved %+v, want %+v", err, c.saved, best)
		}
		sd, err := checkpoint.Read(file)
		if err != nil || sd.Metadata["epoch"] != "3" {
			t.Errorf("error %v, metadata %v", err, sd)
		}

		// The last word of a run is about what is on the disk.
		if err := c.check(best); err != nil || said.Len() > 0 {
			t.Errorf("nothing was changed: error %v, said %q", err, &said)
		}
		for name, spoil := range map[string]func() error{
			"removed": func() error { return os.Remove(file) },
			"cut":     func() error { return os.Truncate(file, 1000) },
			"another": func() error {
				other := &checkpoint.StateDict{Tensors: sd.Tensors[1:], Metadata: sd.Metadata}
				return checkpoint.WriteSafetensors(file, other)
			},
		} {
			said.Reset()
			try(t, spoil())
			if err := c.check(best); err != nil || !strings.Contains(said.String(), "warning: best.safetensors in ") {
				t.Errorf("%s: error %v, said %q", name, err, &said)
			}
			if again, err := checkpoint.Read(file); err != nil || digest(again) != digest(sd) || c.saved != best {
				t.Errorf("%s: error %v, saved %+v", name, err, c.saved)
			}
		}
		try(t, os.Remove(file), os.Mkdir(file, 0o777)) // in the way again
		if err := c.check(best); err == nil || c.saved.N != 0 {
			t.Errorf("weights that cannot be written again: error %v, saved %+v", err, c.saved)
		}
		return nil
	})
	try(t, err)
}
