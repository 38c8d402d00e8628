package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"hymenoptera/dataset"
	"hymenoptera/run"
	"hymenoptera/torch"
	"hymenoptera/trainer"
	"hymenoptera/zoo"
)

func newTrain(m *messages) *cobra.Command {
	o := defaultOptions()
	cmd := &cobra.Command{
		Use:   "train",
		Short: "Train a network on an image folder, as the notebook does",
		Example: "  hymenoptera train --data data/hymenoptera_data --weights resnet18-f37072fd.pth\n" +
			"  hymenoptera train --freeze --data data/hymenoptera_data --weights resnet18-f37072fd.pth",
		Args: usage(noArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Out == "" {
				o.Out = defaultOut(o.Model, time.Now())
			}
			if err := o.contradictions(cmd.Flags()); err != nil {
				return err
			}
			return train(cmd.Context(), o, cmd.OutOrStdout(), m)
		},
	}
	o.addFlags(cmd.Flags())
	complete(cmd, "model", zoo.Names()...)
	complete(cmd, "optimizer", optimizers...)
	complete(cmd, "scheduler", schedulers...)
	complete(cmd, "balance", balances...)
	complete(cmd, "device", "auto", "cpu", "cuda")
	cmd.MarkFlagDirname("data")
	cmd.MarkFlagDirname("out")
	return cmd
}

func defaultOut(name string, now time.Time) string {
	return filepath.Join("runs", name+"-"+now.Format("20060102-150405"))
}

// initTorch sets up libtorch and returns the device of --device.
func initTorch(o torch.Options) (torch.Device, error) {
	device, err := torch.Init(o)
	var unusable *torch.DeviceError
	if errors.As(err, &unusable) {
		err = fmt.Errorf("%w; --device cpu computes on the processor", err)
	}
	return device, err
}

// leaveLittleGarbage has garbage collected early. By default it may grow to as much as is in use, hundreds of megabytes of
// weights and decoded images; as these are few and large blocks, it costs next to nothing to look through them more often.
func leaveLittleGarbage() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(25)
	}
}

// train is the main job.
func train(ctx context.Context, o options, stdout io.Writer, m *messages) error {
	if err := o.validate(); err != nil {
		return err
	}
	if err := reserveThreads(o.Workers, o.Threads); err != nil { // before libtorch starts its own
		return err
	}
	// What is quickly seen to be wrong comes before downloads and before the files are read.
	device, err := initTorch(torch.Options{Device: o.Device, Threads: o.Threads, Deterministic: o.Deterministic, Benchmark: !o.Fast})
	if err != nil {
		return err
	}
	if err := o.outsideData(); err != nil {
		return err
	}
	if err := run.Check(o.Out, o.Overwrite); err != nil {
		return err
	}
	leaveLittleGarbage()
	keepsOld := run.Held(o.Out) // until there is something to put in its place
	j, err := newJob(ctx, o, device, stdout, m)
	if err == nil {
		err = j.run(ctx)
		keepsOld = keepsOld && (j.folder == nil || j.folder.KeepsOld())
	}
	if err != nil && keepsOld && run.Held(o.Out) {
		m.info("%s still holds the old run, as it was", o.Out)
	}
	var bad *dataset.SampleError
	if errors.As(err, &bad) && !o.SkipCorrupt {
		err = fmt.Errorf("%w; mend it, remove it, or add --skip-corrupt to leave out all such files", err)
	}
	var diverged *trainer.LossError
	if errors.As(err, &diverged) {
		err = fmt.Errorf("%w; a lower --lr may help", err)
		if diverged.Files == nil {
			err = fmt.Errorf("%w; without --fast the message names the batch", err)
		}
	}
	return err
}
