package main

import (
	"context"

	"github.com/spf13/cobra"

	"hymenoptera/classify"
	"hymenoptera/dataset"
	"hymenoptera/finetune"
	"hymenoptera/internal/cli"
	"hymenoptera/internal/machine"
	"hymenoptera/run"
	"hymenoptera/torch"
)

// use has the flags of the commands that use a trained network.
type use struct {
	checkpoint string
	device     string
	threads    int
	fast       bool
	batch      int    // of the commands that have --batch-size
	tta        string // of eval and predict
}

func (u *use) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	u.batch = 32
	f.StringVar(&u.checkpoint, "checkpoint", "", "a run's folder, or its best.safetensors")
	f.StringVar(&u.device, "device", "auto", "auto, cpu, cuda or cuda:N")
	f.IntVar(&u.threads, "threads", machine.This().Threads(), "threads of an operation, and goroutines that decode pictures")
	f.BoolVar(&u.fast, "fast", false, "give up the exact bits for speed; accuracy stays")
	cli.Group(f, cli.GroupData, "checkpoint")
	cli.Group(f, cli.GroupMachine, "device", "threads", "fast")
	f.Lookup("threads").DefValue = defaultThreads
	cli.Complete(cmd, "device", "auto", "cpu", "cuda")
	cmd.MarkFlagFilename("checkpoint", "safetensors")
}

// addTTA declares the flag of commands that may look at a picture twice.
func (u *use) addTTA(cmd *cobra.Command) {
	u.tta = "none"
	cmd.Flags().StringVar(&u.tta, "tta", u.tta, "flip takes the mean of the logits of each picture and of its mirror image, in twice the time; none does not")
	cli.Group(cmd.Flags(), cli.GroupMachine, "tta")
	cli.Complete(cmd, "tta", "none", "flip")
}

// check returns an error for a mistake in the command line, and finds the file if --checkpoint names a folder.
func (u *use) check() (err error) {
	if u.checkpoint == "" {
		return errNoCheckpoint()
	}
	if u.tta != "" && u.tta != "none" && u.tta != "flip" {
		return cli.Usagef("--tta %q: want none or flip", u.tta)
	}
	o := finetune.DefaultOptions() // a training has the same flags
	o.Device, o.Threads, o.BatchSize = u.device, u.threads, u.batch
	if err := o.Validate(); err != nil {
		return &cli.UsageError{Err: withFlags(err)}
	}
	u.checkpoint, err = run.Best(u.checkpoint)
	return err
}

func errNoCheckpoint() error {
	return cli.Usagef("--checkpoint is missing: name the folder of a run, as runs/demo, or its best.safetensors")
}

// init sets up libtorch and returns the device.
func (u *use) init() (torch.Device, error) {
	device, err := torch.Init(torch.Options{Device: u.device, Threads: u.threads})
	return device, adviseDevice(err)
}

// open reads the checkpoint. It warns of unusual pictures.
func (u *use) open(ctx context.Context, m *cli.Messages) (*classify.Classifier, error) {
	device, err := u.init()
	if err != nil {
		return nil, err
	}
	warn := dataset.FirstOfEach(func(w dataset.Warning) { m.Warnf("%v (said once; there may be more)", w) })
	return classify.OpenConfig(ctx, u.checkpoint, classify.Config{Device: device, Fast: u.fast, Mirror: u.tta == "flip", Warn: warn})
}

// fitting returns the size of batches that fit into memory, and says so with -v if it is not the one that was asked for.
func fitting(batch int, c *classify.Classifier, m *cli.Messages) int {
	n := c.MaxBatch(batch)
	if n < batch {
		m.Debugf("batches of %d pictures, not %d: more of %d pixels do not fit into the memory that is free", n, batch, c.Preprocessing.Size)
	}
	return n
}

// sayLeftOut says which files of a folder are not taken for pictures.
func sayLeftOut(m *cli.Messages, left dataset.LeftOut) {
	if len(left) > 0 {
		m.Infof("left out: %v", left)
	}
}
