package main

import (
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"hymenoptera/internal/synth"
	"hymenoptera/run"
)

func newDemo(m *messages) *cobra.Command {
	o := defaultOptions()
	o.Weights, o.Device = "none", "cpu"
	o.Epochs, o.BatchSize, o.ImageSize, o.Workers = 20, 16, 64, 2
	o.LR, o.StepSize = 0.01, 14
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Train from random weights on ants and bees drawn by this program; no network needed",
		Long: "Draws a set of ants and bees, a stand-in for the photographs, and trains ResNet18 on it from random\n" +
			"weights: the whole main job in about a minute. Its accuracy says nothing about photographs.",
		Example: "  hymenoptera demo",
		Args:    usage(noArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Out == "" {
				o.Out = defaultOut("demo", time.Now())
			}
			o.Data = filepath.Join(o.Out, "data")
			if err := o.validate(); err != nil {
				return err
			}
			if err := run.Check(o.Out, o.Overwrite); err != nil {
				return err
			}
			m.info("drawing a stand-in for the ants and bees into %s", o.Data)
			if err := synth.Write(o.Data, synth.DefaultConfig()); err != nil {
				return err
			}
			return train(cmd.Context(), o, cmd.OutOrStdout(), m)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Out, "out", "", "the run's folder (default runs/demo-<time>)")
	f.IntVar(&o.Threads, "threads", o.Threads, "threads of an operation")
	f.Lookup("threads").DefValue = "all processors"
	f.BoolVar(&o.Overwrite, "overwrite", false, "replace a run that --out holds, once the new one has weights")
	cmd.MarkFlagDirname("out")
	return cmd
}
