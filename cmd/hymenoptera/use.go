package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"hymenoptera/classify"
	"hymenoptera/dataset"
	"hymenoptera/internal/machine"
	"hymenoptera/run"
	"hymenoptera/torch"
)

// use are the flags of the commands that use a trained network.
type use struct {
	checkpoint string
	device     string
	threads    int
	fast       bool
}

func (u *use) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&u.checkpoint, "checkpoint", "", "a run's folder, or its best.safetensors, which holds all that it takes to use it")
	f.StringVar(&u.device, "device", "auto", "auto, cpu, cuda or cuda:N")
	f.IntVar(&u.threads, "threads", machine.This().Threads(), "threads of an operation, and goroutines that decode pictures")
	f.BoolVar(&u.fast, "fast", false, "give up the exact bits for speed; accuracy stays")
	inGroup(f, groupData, "checkpoint")
	inGroup(f, groupMachine, "device", "threads", "fast")
	f.Lookup("threads").DefValue = "$OMP_NUM_THREADS, else $GOMAXPROCS, else all processors" // in the help: it must not differ between machines
	complete(cmd, "device", "auto", "cpu", "cuda")
	cmd.MarkFlagFilename("checkpoint", "safetensors")
}

// check finds what is wrong from the command line alone, and the file where --checkpoint names a folder.
func (u *use) check() (err error) {
	switch {
	case u.checkpoint == "":
		return errNoCheckpoint
	case !deviceNames.MatchString(u.device):
		return usageError{fmt.Errorf("--device %q: want auto, cpu, cuda or cuda:N", u.device)}
	case u.threads < 1 || u.threads > 1024:
		return usageError{fmt.Errorf("--threads %d: want 1 to 1024", u.threads)}
	}
	u.checkpoint, err = trainedFile(u.checkpoint)
	return err
}

// errNoCheckpoint is the error for a command that wants one.
var errNoCheckpoint = usageError{errors.New("--checkpoint is missing: name the folder of a run, as runs/demo, or its best.safetensors")}

// trainedFile returns the best.safetensors of a path that is the folder of a run, and any other path as it is.
func trainedFile(path string) (string, error) {
	if !isFolder(path) {
		if filepath.Base(path) == run.BestFile {
			return path, run.Settle(filepath.Dir(path))
		}
		return path, nil
	}
	if err := run.Settle(path); err != nil {
		return "", err
	}
	file := filepath.Join(path, run.BestFile)
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s holds no %s: name the folder of a run, or a file", path, run.BestFile)
	}
	return file, nil
}

// open reads the checkpoint. warn is called for unusual pictures.
func (u *use) open(ctx context.Context, warn func(dataset.Warning)) (*classify.Classifier, error) {
	device, err := initTorch(torch.Options{Device: u.device, Threads: u.threads})
	if err != nil {
		return nil, err
	}
	return classify.OpenConfig(ctx, u.checkpoint, classify.Config{Device: device, Fast: u.fast, Warn: warn})
}

// fitting returns the size of batches that fit into memory, and says so with -v if it is not the one that was asked for.
func fitting(batch int, c *classify.Classifier, m *messages) int {
	n := c.MaxBatch(batch)
	if n < batch {
		m.debug("batches of %d pictures, not %d: more of %d pixels do not fit into the memory that is free", n, batch, c.Preprocessing.Size)
	}
	return n
}

// checkBatchSize finds what is wrong with --batch-size.
func checkBatchSize(n int) error {
	if n < 1 || n > 1<<16 {
		return usageError{fmt.Errorf("--batch-size %d: want 1 to 65536", n)}
	}
	return nil
}
