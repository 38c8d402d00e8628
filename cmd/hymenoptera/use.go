package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"hymenoptera/classify"
	"hymenoptera/dataset"
	"hymenoptera/finetune"
	"hymenoptera/internal/cli"
	"hymenoptera/internal/machine"
	"hymenoptera/metrics"
	"hymenoptera/run"
	"hymenoptera/torch"
)

// use holds the flags of the commands that use a trained network.
type use struct {
	checkpoint string
	device     string
	threads    int
	fast       bool
	batch      int     // for commands with --batch-size
	tta        string  // for eval and predict
	threshold  float64 // 0 for none
	precision  float64 // 0 for none
	given      func(flag string) bool
}

func (u *use) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	u.given = f.Changed
	u.batch = 32
	f.StringVar(&u.checkpoint, "checkpoint", "", "a run's folder, or its best.safetensors")
	f.StringVar(&u.device, "device", "auto", "auto, cpu, cuda or cuda:N")
	f.IntVar(&u.threads, "threads", machine.This().Threads(), "threads of an operation, and goroutines that decode pictures")
	f.BoolVar(&u.fast, "fast", false, "give up the exact bits for speed; accuracy stays")
	f.Float64Var(&u.threshold, "threshold", 0, "answer \"unsure\" where the best class is less probable than this; probabilities are then calibrated")
	f.Float64Var(&u.precision, "precision", 0, "choose the lowest --threshold above which this share of the answers was right in validation")
	cli.Group(f, cli.GroupData, "checkpoint")
	cli.Group(f, cli.GroupOutput, "threshold", "precision")
	cli.Group(f, cli.GroupMachine, "device", "threads", "fast")
	f.Lookup("threads").DefValue = defaultThreads
	cli.Complete(cmd, "device", "auto", "cpu", "cuda")
	cmd.MarkFlagFilename("checkpoint", "safetensors")
}

// addTTA declares --tta for commands that can classify a picture twice, mirrored.
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
	switch {
	case u.given("threshold") && !(u.threshold > 0 && u.threshold <= 1):
		return cli.Usagef("--threshold %v: want a probability above 0, at most 1", u.threshold)
	case u.given("precision") && !(u.precision > 0 && u.precision <= 1):
		return cli.Usagef("--precision %v: want a share above 0, at most 1", u.precision)
	case u.given("threshold") && u.given("precision"):
		return cli.Usagef("--threshold and --precision do not go together: --precision chooses a threshold")
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
	cfg := u.config(device)
	cfg.Mirror, cfg.Warn = u.tta == "flip", warn
	c, err := classify.OpenConfig(ctx, u.checkpoint, cfg)
	if err != nil {
		return nil, adviseThreshold(err)
	}
	sayThreshold(m, c.Cut, c.Calibration)
	if cfg.Mirror && u.precision > 0 {
		m.Warnf("--precision: its threshold was measured without --tta flip, which changes the probabilities")
	}
	return c, nil
}

func (u *use) config(device torch.Device) classify.Config {
	return classify.Config{Device: device, Fast: u.fast, Threshold: u.threshold, Precision: u.precision}
}

// sayThreshold prints which predictions are unsure.
func sayThreshold(m *cli.Messages, cut metrics.Cut, known classify.Calibration) {
	switch {
	case cut.Coverage > 0:
		m.Infof("unsure below %.2f %%: in validation %.1f %% of the images lay above it, and %.1f %% of these were right", 100*cut.Threshold, 100*cut.Coverage, 100*cut.Precision)
	case cut.Threshold > 0 && known.Temperature == 0:
		m.Warnf("the checkpoint is of a version that fitted no temperature: --threshold compares with probabilities that are not calibrated")
	}
}

// adviseThreshold adds a suggestion to an error about --precision.
func adviseThreshold(err error) error {
	if p := (*classify.PrecisionError)(nil); errors.As(err, &p) && p.Best == nil {
		return fmt.Errorf("%w; choose a threshold with --threshold", err)
	}
	return err
}

// fitting returns the batch size that fits into memory, and prints it with -v if it is smaller than requested.
func fitting(batch int, c *classify.Classifier, m *cli.Messages) int {
	n := c.MaxBatch(batch)
	if n < batch {
		m.Debugf("batches of %d pictures, not %d: more of %d pixels do not fit into the memory that is free", n, batch, c.Preprocessing.Size)
	}
	return n
}

// sayLeftOut prints which files of a folder are not pictures.
func sayLeftOut(m *cli.Messages, left dataset.LeftOut) {
	if len(left) > 0 {
		m.Infof("left out: %v", left)
	}
}
