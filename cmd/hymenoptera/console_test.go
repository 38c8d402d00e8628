package main

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"hymenoptera/checkpoint"
	"hymenoptera/run"
	"hymenoptera/torch"
	"hymenoptera/trainer"
	"hymenoptera/zoo"
)

// Weights that could not be written are written at the end, where there is room again.
func TestSecureTriesAgain(t *testing.T) {
	err := torch.Do(t.Context(), func(s *torch.Scope) error {
		arch, err := zoo.Find("resnet18")
		try(t, err)
		folder, err := run.Create(filepath.Join(t.TempDir(), "run"), false)
		try(t, err)
		defer folder.Close()
		try(t, folder.WriteConfig(1))
		file := filepath.Join(folder.Path(), run.BestFile)
		try(t, os.Mkdir(file, 0o777)) // in the way
		c := newConsole(&job{options: defaultOptions(), model: arch.New(s, 2), classes: []string{"ants", "bees"},
			folder: folder, messages: newMessages(io.Discard)})
		best := trainer.Phase{Epoch: 3, Name: "val", N: 4, Corrects: 3, Acc: 0.75, Loss: 0.5}
		try(t, c.save(best))
		if err := c.written(); err == nil || c.saved.N != 0 {
			t.Errorf("written over a folder: error %v, saved %+v", err, c.saved)
		}
		if err := c.secure(best); err == nil {
			t.Error("nothing went wrong, though a folder is in the way")
		}
		try(t, os.Remove(file))
		if err := c.secure(best); err != nil || c.saved != best {
			t.Errorf("error %v, saved %+v, want %+v", err, c.saved, best)
		}
		sd, err := checkpoint.Read(file)
		if err != nil || sd.Metadata["epoch"] != "3" {
			t.Errorf("error %v, metadata %v", err, sd)
		}
		return nil
	})
	try(t, err)
}
