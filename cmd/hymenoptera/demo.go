package main

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"hymenoptera/finetune"
	"hymenoptera/internal/cli"
	"hymenoptera/run"
)

func newDemo(m *cli.Messages) *cobra.Command {
	o := finetune.DemoOptions()
	var w watching
	quick, draw := false, finetune.DrawDemo
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Train from random weights on ants and bees drawn by this program; no network needed",
		Long: "Draws ants and bees and trains ResNet18 on them from random weights: a whole training in about a minute, without\n" +
			"downloads. Its accuracy says nothing about photographs.",
		Example: "  hymenoptera demo",
		Args:    cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			defer w.listen()()
			if o.Out == "" {
				o.Out = finetune.DefaultOut("demo")
			}
			o.Data = filepath.Join(o.Out, "data")
			if quick {
				o.Epochs, o.BatchSize, draw = 2, 8, finetune.DrawSmallDemo
			}
			if err := o.Validate(); err != nil {
				return &cli.UsageError{Err: withFlags(err)}
			}
			if err := run.Check(o.Out, o.Overwrite); err != nil {
				return advise(err, o)
			}
			m.Infof("drawing ants and bees into %s", o.Data)
			if err := draw(o.Data); err != nil {
				return err
			}
			return train(cmd, m, o, w, finetune.Train)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Out, "out", "", "the run's folder (default runs/demo-<time>)")
	f.IntVar(&o.Threads, "threads", o.Threads, "threads of an operation")
	f.Lookup("threads").DefValue = "all processors"
	f.BoolVar(&quick, "quick", false, "only 36 pictures and 2 epochs: for slow machines and emulators")
	f.BoolVar(&o.Overwrite, "overwrite", false, "replace a run that --out holds, once the new one has weights")
	addOpen(f, &w.open)
	cmd.MarkFlagDirname("out")
	return cmd
}
