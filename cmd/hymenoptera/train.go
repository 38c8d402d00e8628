package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hymenoptera/finetune"
	"hymenoptera/internal/cli"
	"hymenoptera/internal/escape"
	"hymenoptera/internal/malloc"
	"hymenoptera/internal/threads"
	"hymenoptera/internal/trace"
	"hymenoptera/metrics"
	"hymenoptera/report"
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
				o.Out = defaultOut(o.Model, time.Now())
			}
			if o.Recipe == "auto" {
				var err error
				if o, err = recommend(cmd, o, m); err != nil {
					return err
				}
			}
			if err := checkEffects(cmd.Flags(), o); err != nil {
				return err
			}
			l := &trainLog{stdout: cmd.OutOrStdout(), messages: m, epochs: o.Epochs, best: o.Best, trace: traceFile}
			return l.train(cmd.Context(), o)
		},
	}
	addOptions(cmd.Flags(), &o)
	cmd.Flags().StringVar(&traceFile, "trace", "", "file for the SHA-256 of every tensor of every step, as scripts/reference.py writes them")
	cmd.Flags().MarkHidden("trace")
	completeOptions(cmd)
	return cmd
}

// recommend chooses the options that the command line leaves open, and says which and why.
func recommend(cmd *cobra.Command, o finetune.Options, m *cli.Messages) (finetune.Options, error) {
	if err := o.Validate(); err != nil {
		return o, &cli.UsageError{Err: withFlags(err)}
	}
	var fixed []string
	cmd.Flags().Visit(func(f *pflag.Flag) { fixed = append(fixed, strings.ReplaceAll(f.Name, "-", "_")) })
	o, err := finetune.Recommend(cmd.Context(), o, fixed, finetune.Hooks{Download: m.ShowBytes})
	if err != nil {
		return o, advise(err, o)
	}
	for _, c := range o.Choices {
		m.Infof("%s %s: %s", flagOf(c.Option), c.Value, c.Reason)
	}
	m.Infof("to repeat this: %s", strings.ReplaceAll(commandLine(o), " \\\n ", ""))
	return o, nil
}

// warn prints a warning about data or options, and the flag that changes that.
func (l *trainLog) warn(w finetune.Warning) {
	if w.Option == "" {
		l.messages.Warnf("%s", w.Problem)
		return
	}
	l.messages.Warnf("%s; %s", w.Problem, strings.Join(strings.Fields(flagOf(w.Option)+" "+w.Value+" "+w.Effect), " "))
}

func defaultOut(name string, now time.Time) string {
	return filepath.Join("runs", name+"-"+now.Format("20060102-150405"))
}

// A trainLog prints a training: the notebook's log on standard output, progress on standard error.
type trainLog struct {
	stdout   io.Writer
	messages *cli.Messages
	epochs   int
	best     metrics.Rule
	trace    string // file of --trace
}

// train trains and prints the results.
func (l *trainLog) train(ctx context.Context, o finetune.Options) error {
	if err := o.Validate(); err != nil {
		return &cli.UsageError{Err: withFlags(err)}
	}
	if err := threads.Reserve(o.Workers, o.Threads); err != nil {
		return fmt.Errorf("%w: raise the limit (ulimit -u, or pids.max of the control group), or lower --workers and --threads", err)
	}
	malloc.CollectOften()
	o.Command = commandLine(o)
	hooks := finetune.Hooks{Log: l.messages.Logger(), Download: l.messages.ShowBytes, Warn: l.warn,
		EpochStart: l.epochStart, Step: l.step, PhaseEnd: l.phaseEnd, EpochEnd: l.epochEnd}
	tensors := trace.New(l.trace)
	if l.trace != "" {
		hooks.Tensor = tensors.Tensor
		hooks.EpochStart = func(epoch int) error { return errors.Join(tensors.Err(), l.epochStart(epoch)) }
	}
	r, err := finetune.Train(ctx, o, hooks)
	err = errors.Join(err, tensors.Close())
	l.messages.EndBar()
	if err == nil {
		l.sparklines(r.History)
	}
	l.conclude(r)
	if err != nil {
		if r.KeptOld {
			l.messages.Infof("%s still holds the old run, as it was", r.Folder)
		}
		return advise(err, o)
	}
	whole := int(math.Round(r.Seconds))
	return errors.Join(l.json(r.Result), l.text("Training complete in %dm %ds\nBest val Acc: %.6f\n", whole/60, whole%60, r.Best.Acc))
}

func (l *trainLog) epochStart(epoch int) error {
	return l.text("Epoch %d/%d\n%s\n", epoch, l.epochs-1, strings.Repeat("-", 10))
}

func (l *trainLog) step(epoch int, phase string, done, n int) {
	l.messages.ShowImages(fmt.Sprintf("%-5s %d/%d", phase, epoch, l.epochs-1), done, n)
	if done == n {
		l.messages.EndBar()
	}
}

func (l *trainLog) phaseEnd(p metrics.Phase) error {
	return errors.Join(l.json(p), l.text("%s Loss: %.4f Acc: %.4f\n", p.Name, p.Loss, p.Acc))
}

func (l *trainLog) epochEnd(int) error { return l.text("\n") }

// text writes to the notebook's log.
func (l *trainLog) text(format string, args ...any) error {
	if l.messages.Quiet() || l.messages.JSON() {
		return nil
	}
	_, err := fmt.Fprintf(l.stdout, format, args...)
	return logError(err)
}

// json writes a line of the log with --log-format json.
func (l *trainLog) json(v any) error {
	if l.messages.Quiet() || !l.messages.JSON() {
		return nil
	}
	return logError(json.NewEncoder(escape.JSON(l.stdout)).Encode(v))
}

// logError explains why a training ends whose log nobody reads any more.
func logError(err error) error {
	switch {
	case errors.Is(err, syscall.EPIPE):
		return errors.New("stopped: standard output was closed; --quiet trains without a log")
	case errors.Is(err, syscall.EIO):
		return fmt.Errorf("stopped: %w; where the terminal was closed, nohup trains on without it", err)
	}
	return err
}

// sparklines shows the losses as small curves on a terminal, in the colours of the report.
func (l *trainLog) sparklines(h metrics.History) {
	for i, phase := range []string{"train", "val"} {
		var losses []float64
		for _, p := range h.Of(phase) {
			losses = append(losses, p.Loss)
		}
		l.messages.Sparkline(fmt.Sprintf("%-5s loss", phase), report.Sparkline(losses, 40), []string{"34", "33"}[i],
			fmt.Sprintf("%.4f to %.4f", losses[0], losses[len(losses)-1]))
	}
}

// conclude says where the weights are.
func (l *trainLog) conclude(r finetune.Result) {
	path := filepath.Join(r.Folder, run.BestFile)
	switch {
	case r.KeptOld, r.Seconds == 0: // it did not begin
	case r.Saved.N == 0:
		l.messages.Infof("no weights were saved")
	case !l.best.Better(r.Saved, metrics.Phase{}):
		l.messages.Infof("no epoch got a validation image right: the weights of the last one (epoch %d) are in %s; the run to look at is %s beside them",
			r.Saved.Epoch, path, run.ReportFile)
	default:
		l.messages.Infof("best weights (epoch %d, val accuracy %.4f) in %s; the run to look at is %s beside them",
			r.Saved.Epoch, r.Saved.Acc, path, run.ReportFile)
	}
}
