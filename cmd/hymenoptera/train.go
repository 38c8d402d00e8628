package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

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
	var resume string
	var w watching
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "train",
		Short: "Train a network on an image folder, as the notebook does",
		Example: "  hymenoptera train --data data/hymenoptera_data --weights resnet18-f37072fd.pth\n" +
			"  hymenoptera train --freeze --data data/hymenoptera_data --weights resnet18-f37072fd.pth\n" +
			"  hymenoptera train --resume runs/bees\n" +
			"  hymenoptera train --data my_pictures --out runs/bees --resume auto",
		Args: func(cmd *cobra.Command, args []string) error { // --resume's value may follow after a space
			if resume == resumeOut && len(args) == 1 {
				resume, args = args[0], nil
			}
			return cli.NoArgs(cmd, args)
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			defer w.listen()()
			return together(cmd.Context(), m, cmd.Flags(), timeout, func(g finetune.Group) error {
				o.Group = g
				return begin(cmd, m, &o, resume, w)
			})
		},
	}
	addOptions(cmd.Flags(), &o)
	cmd.Flags().StringVar(&w.trace, "trace", "", "file for the SHA-256 of every tensor of every step, as scripts/reference.py writes them")
	cmd.Flags().MarkHidden("trace")
	addResume(cmd.Flags(), &resume)
	addOpen(cmd.Flags(), &w.open)
	addPeerTimeout(cmd.Flags(), &timeout)
	completeOptions(cmd)
	cmd.MarkFlagDirname("resume")
	return cmd
}

// begin begins or resumes a training.
func begin(cmd *cobra.Command, m *cli.Messages, o *finetune.Options, resume string, w watching) error {
	if cmd.Flags().Changed("resume") {
		from, err := findCheckpoint(cmd.Context(), cmd.Flags(), o, resume)
		if err != nil {
			return err
		}
		if from != nil {
			return goOn(cmd, m, from, w)
		}
	}
	if o.Out == "" {
		o.Out = finetune.DefaultOut(o.Model)
	}
	if o.Recipe != "auto" {
		if err := checkEffects(cmd.Flags(), *o); err != nil {
			return err
		}
	}
	cmd.Flags().Visit(func(f *pflag.Flag) { o.Fixed = append(o.Fixed, strings.ReplaceAll(f.Name, "-", "_")) })
	return train(cmd, m, *o, w, finetune.Train)
}

// showChoices prints the choices of the recipe auto, and the command that repeats the training without it.
func showChoices(m *cli.Messages, o finetune.Options) {
	for _, c := range o.Choices {
		m.Infof("%s %s: %s", flagOf(c.Option), c.Value, c.Reason)
	}
	m.Infof("to repeat this: %s", strings.ReplaceAll(commandLine(o), " \\\n ", ""))
}

// warn prints a warning about data or options, and the flag that removes its cause.
func warn(m *cli.Messages, w finetune.Warning) {
	if w.Option == "" {
		m.Warnf("%s", w.Problem)
		return
	}
	m.Warnf("%s; %s", w.Problem, strings.Join(strings.Fields(flagOf(w.Option)+" "+w.Value+" "+w.Effect), " "))
}

// A trainFunc is finetune.Train, or resumes a run.
type trainFunc func(ctx context.Context, o finetune.Options, h finetune.Hooks) (finetune.Result, error)

// watching holds the ways to follow a training.
type watching struct {
	trace string // file of --trace
	open  bool   // the report, in a browser
	usr1  chan os.Signal
}

// listen makes SIGUSR1 ask for a checkpoint, also before the training begins. Without it the signal would end the program.
func (w *watching) listen() (stop func()) {
	w.usr1 = make(chan os.Signal, 1)
	signal.Notify(w.usr1, syscall.SIGUSR1)
	return func() { signal.Stop(w.usr1) }
}

func addOpen(f *pflag.FlagSet, open *bool) {
	f.BoolVar(open, "open", false, "open the report in $BROWSER or the desktop's browser after the first epoch; it follows the training")
	cli.Group(f, cli.GroupOutput, "open")
}

// train trains and prints the results.
func train(cmd *cobra.Command, m *cli.Messages, o finetune.Options, w watching, run trainFunc) error {
	if err := o.Validate(); err != nil {
		return &cli.UsageError{Err: withFlags(err)}
	}
	if err := checkInputs(flagPath{"exclude", o.Exclude}, flagPath{"beneath", o.Beneath}); err != nil {
		return err
	}
	if err := threads.Reserve(o.Workers, o.Threads); err != nil {
		return fmt.Errorf("%w: raise the limit (ulimit -u, or pids.max of the control group), or lower --workers and --threads", err)
	}
	malloc.CollectOften()
	log := &cli.TrainingLog{Stdout: cmd.OutOrStdout(), Messages: m, Epochs: o.Epochs}
	hooks := finetune.Hooks{Log: m.Logger(), Download: m.ShowBytes, Warn: func(w finetune.Warning) { warn(m, w) },
		EpochStart: log.EpochStart, Step: log.Step, PhaseEnd: log.PhaseEnd, EpochEnd: log.EpochEnd, Command: commandLine}
	if o.Follows() {
		_, err := run(cmd.Context(), o, finetune.Hooks{})
		return advise(err, o)
	}
	hooks.Chosen = func(o finetune.Options) error {
		showChoices(m, o)
		log.Epochs = o.Epochs
		return checkEffects(cmd.Flags(), o)
	}
	hooks.Checkpoint = func() bool {
		select {
		case <-w.usr1:
			return true
		default:
			return false
		}
	}
	if w.open {
		hooks.Report = func(path string) { openPage(m, path) }
	}
	tensors := trace.New(w.trace)
	if w.trace != "" {
		hooks.Tensor = tensors.Tensor
		hooks.EpochStart = func(epoch int) error { return errors.Join(tensors.Err(), log.EpochStart(epoch)) }
	}
	r, err := run(cmd.Context(), o, hooks)
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
		if r.Last {
			m.Infof("to go on from here: hymenoptera train --resume %s", cli.Quote(r.Folder))
		}
		return advise(err, o)
	}
	return log.End(r.Result)
}

// conclude prints the path of the weights.
func conclude(m *cli.Messages, o finetune.Options, r finetune.Result) {
	path := filepath.Join(r.Folder, run.BestFile)
	switch {
	case r.KeptOld, r.Seconds == 0: // the training did not begin
	case r.Saved.N == 0:
		m.Infof("no weights were saved")
	case !o.Best.Better(r.Saved, metrics.Phase{}):
		m.Infof("no epoch got a validation image right: %s has the weights of the last one, epoch %d; see %s beside it", path, r.Saved.Epoch, run.ReportFile)
	default:
		m.Infof("best weights (epoch %d, val accuracy %.4f) in %s; see %s beside them", r.Saved.Epoch, r.Saved.Acc, path, run.ReportFile)
	}
}
