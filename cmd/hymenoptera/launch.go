package main

import (
	"cmp"
	"errors"
	"io"
	"os"
	"syscall"

	"github.com/spf13/cobra"

	"hymenoptera/internal/cli"
	"hymenoptera/internal/launch"
	"hymenoptera/internal/machine"
)

func newLaunch(m *cli.Messages) *cobra.Command {
	var job launch.Job
	cmd := &cobra.Command{
		Use:   "launch --nproc N [flags] train ...",
		Short: "Train with several processes on this machine, as torchrun --standalone does",
		Long: "Starts the command after the flags in N processes, which train together: see docs/distributed.md. When one fails, the\n" +
			"others end too, and with --max-restarts all are started again.",
		Example: "  hymenoptera launch --nproc 2 train --data my_pictures --out runs/bees\n" +
			"  hymenoptera launch --nproc 2 --max-restarts 3 train --data my_pictures --out runs/bees --resume auto",
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case !cmd.Flags().Changed("nproc"):
				return cli.Usagef("launch needs --nproc, the number of processes (see %s --help)", cmd.CommandPath())
			case job.Processes < 1 || job.Processes > 1024:
				return cli.Usagef("--nproc %d: want 1 to 1024 processes", job.Processes)
			case job.Restarts < 0:
				return cli.Usagef("--max-restarts %d: want 0 or more", job.Restarts)
			case len(args) == 0 || args[0] != "train":
				return cli.Usagef("launch takes the command to start, train and its flags (see %s --help)", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			train, err := parseTrain(args[1:])
			if err != nil {
				return err
			}
			f := train.Flags()
			if help, err := f.GetBool("help"); help || err != nil {
				train.SetOut(cmd.OutOrStdout())
				return cmp.Or(err, train.Help())
			}
			if job.Restarts > 0 && (f.Lookup("resume").Value.String() != "auto" || !f.Changed("out")) {
				return cli.Usagef("--max-restarts: a training that is started again goes on only with --out and --resume auto: add them")
			}
			if job.Path, err = os.Executable(); err != nil {
				return err
			}
			job.Args, job.Stdout, job.Stderr = args, os.Stdout, os.Stderr
			job.Threads = max(1, machine.This().Processors()/job.Processes)
			job.Retry = func(code int) bool { return code != cli.ExitUsage }
			job.Restarted = func(failed *launch.ExitError, attempt int) {
				m.Infof("%v; starting all processes again (%d of %d times)", failed, attempt, job.Restarts)
			}
			err = job.Run(cmd.Context(), signalOf)
			if cmd.Context().Err() != nil {
				return cmd.Context().Err()
			}
			if failed := (*launch.ExitError)(nil); errors.As(err, &failed) {
				if failed.Code < cli.ExitSignal { // the process has printed why
					err = cli.ErrSaid
				}
				return &cli.ExitError{Code: failed.Code, Err: err}
			}
			return err
		},
	}
	cmd.Flags().SetInterspersed(false)
	cmd.Flags().IntVar(&job.Processes, "nproc", 0, "processes to start; on a machine with GPUs, one per GPU")
	cmd.Flags().IntVar(&job.Restarts, "max-restarts", 0, "how often all processes are started again when one has failed")
	cli.Group(cmd.Flags(), cli.GroupMachine, "nproc", "max-restarts")
	return cmd
}

// parseTrain parses the command line of train, so that a mistake in it is reported once and not by every process.
func parseTrain(args []string) (*cobra.Command, error) {
	train, _, err := newRoot(io.Discard, cli.NewMessages(io.Discard), func(string) {}).Find([]string{"train"})
	if err != nil {
		return nil, err
	}
	train.InitDefaultHelpFlag()
	if err := train.ParseFlags(args); err != nil {
		return nil, cli.FlagError(train, err)
	}
	return train, cmp.Or(train.ValidateArgs(train.Flags().Args()), train.Root().PersistentPreRunE(train, nil))
}

// signalOf returns the signal that cancelled a context.
func signalOf(cause error) syscall.Signal {
	if stopped := (cli.Interrupt{}); errors.As(cause, &stopped) {
		return stopped.Signal
	}
	return syscall.SIGTERM
}
