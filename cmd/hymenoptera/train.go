package main

import (
	"context"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
)

func newTrain() *cobra.Command {
	o := defaultOptions()
	cmd := &cobra.Command{
		Use:   "train",
		Short: "Train a network on an image folder, as the notebook does",
		Example: "  hymenoptera train --data data/hymenoptera_data --weights resnet18-f37072fd.pth\n" +
			"  hymenoptera train --freeze --data data/hymenoptera_data --weights resnet18-f37072fd.pth",
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Out == "" {
				o.Out = defaultOut(o.Model, time.Now())
			}
			return train(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	o.addFlags(cmd.Flags())
	return cmd
}

func defaultOut(name string, now time.Time) string {
	return filepath.Join("runs", name+"-"+now.Format("20060102-150405"))
}

// train is the main job.
func train(ctx context.Context, o options, stdout, stderr io.Writer) error {
	if err := o.validate(); err != nil {
		return err
	}
	j, err := newJob(ctx, o, stdout, stderr)
	if err != nil {
		return err
	}
	return j.run(ctx)
}
