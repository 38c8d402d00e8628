package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hymenoptera/finetune"
	"hymenoptera/internal/cli"
	"hymenoptera/internal/malloc"
	"hymenoptera/internal/threads"
	"hymenoptera/internal/trace"
	"hymenoptera/metrics"
	"hymenoptera/run"
)

func newTrain(m *cli.Messages) *cobra.Command {
	o := finetune.DefaultOptions()
	var traceFile string
	cmd := &cobra.Command{
		Use:   "train",
		Short: "Train a network on an image folder, as the notebook does",
		Example: "  hymenoptera train --data data/hymenoptera_data --weights resnet18-f37072fd.pth\n" +
			"  hymenoptera train --freeze --data data/hymenoptera_data --weights resnet18-f37072fd.pth",
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Out == "" {
				o.Out = finetune.DefaultOut(o.Model)
			}
			if o.Recipe != "auto" {
				if err := checkEffects(cmd.Flags(), o); err != nil {
					return err
				}
			}
			cmd.Flags().Visit(func(f *pflag.Flag) { o.Fixed = append(o.Fixed, strings.ReplaceAll(f.Name, "-", "_")) })
			return train(cmd, m, o, traceFile)
		},
	}
	addOptions(cmd.Flags(), &o)
	cmd.Flags().StringVar(&traceFile, "trace", "", "file for the SHA-256 of every tensor of every step, as scripts/reference.py writes them")
	cmd.Flags().MarkHidden("trace")
	completeOptions(cmd)
	return cmd
}

// showChoices prints the choices of the recipe auto, and the command that repeats the training without it.
func showChoices(m *cli.Messages, o finetune.Options) {
	for _, c := range o.Choices {
		m.Infof("%s %s: %s", flagOf(c.Option), c.Value, c.Reason)
	}
	m.Infof("to repeat this: %s", strings.ReplaceAll(commandLine(o), " \\\n ", ""))
}

// warn prints a warning about data or options, and the flag that changes that.
func warn(m *cli.Messages, w finetune.Warning) {
	if w.Option == "" {
		m.Warnf("%s", w.Problem)
		return
	}
	m.Warnf("%s; %s", w.Problem, strings.Join(strings.Fields(flagOf(w.Option)+" "+w.Value+" "+w.Effect), " "))
}

// train trains and prints the results. traceFile is that of --trace.
func train(cmd *cobra.Command, m *cli.Messages, o finetune.Options, traceFile string) error {
	if err := o.Validate(); err != nil {
		return &cli.UsageError{Err: withFlags(err)}
	}
	if err := threads.Reserve(o.Workers, o.Threads); err != nil {
		return fmt.Errorf("%w: raise the limit (ulimit -u, or pids.max of the control group), or lower --workers and --threads", err)
	}
	malloc.CollectOften()
	log := &cli.TrainingLog{Stdout: cmd.OutOrStdout(), Messages: m, Epochs: o.Epochs}
	hooks := finetune.Hooks{Log: m.Logger(), Download: m.ShowBytes, Warn: func(w finetune.Warning) { warn(m, w) },
		EpochStart: log.EpochStart, Step: log.Step, PhaseEnd: log.PhaseEnd, EpochEnd: log.EpochEnd, Command: commandLine}
	hooks.Chosen = func(o finetune.Options) error {
		showChoices(m, o)
		log.Epochs = o.Epochs
		return checkEffects(cmd.Flags(), o)
	}
	tensors := trace.New(traceFile)
	if traceFile != "" {
		hooks.Tensor = tensors.Tensor
		hooks.EpochStart = func(epoch int) error { return errors.Join(tensors.Err(), log.EpochStart(epoch)) }
	}
	r, err := finetune.Train(cmd.Context(), o, hooks)
	err = errors.Join(err, tensors.Close())
	m.EndBar()
	if err == nil {
		log.Sparklines(r.History)
	}
	conclude(m, o, r)
	if err != nil {
		if r.KeptOld {
			m.Infof("%s still holds the old run, as it was", r.Folder)
		}
		return advise(err, o)
	}
	return log.End(r.Result)
}

// conclude prints the path of the weights.
func conclude(m *cli.Messages, o finetune.Options, r finetune.Result) {
	path := filepath.Join(r.Folder, run.BestFile)
	switch {
	case r.KeptOld, r.Seconds == 0: // it did not begin
	case r.Saved.N == 0:
		m.Infof("no weights were saved")
	case !o.Best.Better(r.Saved, metrics.Phase{}):
		m.Infof("no epoch got a validation image right: %s has the weights of the last one, epoch %d; see %s beside it", path, r.Saved.Epoch, run.ReportFile)
	default:
		m.Infof("best weights (epoch %d, val accuracy %.4f) in %s; see %s beside them", r.Saved.Epoch, r.Saved.Acc, path, run.ReportFile)
	}
}
