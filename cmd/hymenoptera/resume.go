package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hymenoptera/finetune"
	"hymenoptera/internal/cli"
	"hymenoptera/run"
)

// A resumption is a run to resume.
type resumption struct {
	checkpoint *finetune.Checkpoint
	options    finetune.Options // the checkpoint's, changed by those that were given
}

// findCheckpoint returns the run that --resume names. It returns nil if a new run is to begin: with auto, if --out holds no
// checkpoint and nothing that would be lost. o has the options that were given.
func findCheckpoint(ctx context.Context, f *pflag.FlagSet, o *finetune.Options, resume string) (*resumption, error) {
	auto := resume == "auto"
	folder := resume
	if auto || resume == resumeOut {
		folder = o.Out
	}
	switch {
	case folder == "" && auto:
		return nil, cli.Usagef("--resume auto: needs --out, the folder in which the run begins and goes on")
	case folder == "":
		return nil, cli.Usagef("--resume: name the run's folder, as in --resume runs/bees")
	case o.Overwrite:
		return nil, cli.Usagef("--overwrite begins a new run, and --resume goes on with an old one: leave one of them out")
	case o.Out != "" && filepath.Clean(o.Out) != filepath.Clean(folder):
		return nil, cli.Usagef("--out %s: a resumed run stays in its folder, %s", o.Out, folder)
	}
	if info, err := os.Stat(folder); err == nil && !info.IsDir() {
		return nil, cli.Usagef("--resume %s: name the run's folder, %s", folder, filepath.Dir(folder))
	}
	var c *finetune.Checkpoint
	var err error
	if !o.Follows() {
		c, err = finetune.ReadCheckpoint(folder)
		if missing := (*finetune.NoCheckpointError)(nil); auto && errors.As(err, &missing) && hardlyBegun(folder) {
			o.Overwrite, err = true, nil
		}
	}
	if err != nil {
		return nil, adviseResume(err)
	}
	if o.Group != nil {
		if c, err = finetune.ShareCheckpoint(ctx, o.Group, c); err != nil {
			return nil, err
		}
	}
	if c == nil {
		return nil, nil
	}
	r := &resumption{c, c.Options}
	r.options.Group = o.Group
	own := pflag.NewFlagSet("", pflag.ContinueOnError)
	addOptions(own, &r.options)
	return r, cli.CopyGiven(own, f)
}

// hardlyBegun reports whether a folder holds no run, or one that was killed in its first epoch or minute: several short epochs
// can pass before the first checkpoint is written.
func hardlyBegun(folder string) bool {
	history, err := run.ReadHistory(folder)
	_, result := run.ReadResult(folder)
	seconds := 0.0
	for _, p := range history {
		seconds += p.Seconds
	}
	return (err == nil || errors.Is(err, fs.ErrNotExist)) && (len(history.Of("val")) <= 1 || seconds < 60) && errors.Is(result, fs.ErrNotExist)
}

// goOn resumes a run.
func goOn(cmd *cobra.Command, m *cli.Messages, r *resumption, w watching) error {
	finished, err := r.checkpoint.Finished(r.options)
	switch stopped := r.checkpoint.Stopped; {
	case err != nil:
		return adviseResume(err)
	case finished && stopped != "":
		m.Infof("%s is finished: %s", r.options.Out, stopped)
		return nil
	case finished:
		m.Infof("%s is finished; a larger --epochs goes on with it", r.options.Out)
		return nil
	}
	return train(cmd, m, r.options, w, func(ctx context.Context, o finetune.Options, h finetune.Hooks) (finetune.Result, error) {
		result, err := finetune.Resume(ctx, r.checkpoint, o, h)
		return result, adviseResume(err)
	})
}

// adviseResume adds a suggestion to an error about resuming a run.
func adviseResume(err error) error {
	var missing *finetune.NoCheckpointError
	var different *finetune.DifferentError
	var changed *finetune.ChangedError
	var damaged *finetune.CheckpointError
	var folder *run.FolderError
	switch {
	case errors.As(err, &missing) && !run.Held(missing.Folder):
		return fmt.Errorf("%w; train without --resume begins a run", err)
	case errors.As(err, &different):
		return cli.Usagef("%s: give these values or leave the options out, or begin another run", different.Text(flagOf))
	case errors.As(err, &changed):
		return fmt.Errorf("%w; bring the images back as they were, or begin another run", err)
	case errors.As(err, &folder): // advise would suggest another folder
		return errors.New(err.Error())
	case missing != nil, errors.As(err, &damaged):
		return fmt.Errorf("%w; start over with --overwrite and without --resume", err)
	}
	return err
}
