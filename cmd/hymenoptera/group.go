package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"hymenoptera/finetune"
	"hymenoptera/internal/cli"
	"hymenoptera/torch/dist"
)

// addPeerTimeout declares --peer-timeout.
func addPeerTimeout(f *pflag.FlagSet, timeout *time.Duration) {
	f.DurationVar(timeout, "peer-timeout", dist.DefaultTimeout, "of several processes (see docs/distributed.md): the longest wait for another one")
	cli.Group(f, cli.GroupMachine, "peer-timeout")
}

// together calls train in each process of the group that the environment names, or without a group if it names none. Only
// rank 0 prints a log.
func together(ctx context.Context, m *cli.Messages, f *pflag.FlagSet, timeout time.Duration, train func(finetune.Group) error) error {
	env, err := dist.FromEnv()
	switch {
	case err != nil:
		return &cli.UsageError{Err: fmt.Errorf("the environment says that several processes train together, but %w", err)}
	case env.World == 1 && f.Changed("peer-timeout"):
		return cli.Usagef("--peer-timeout has no effect in one process: leave it out")
	case env.World == 1:
		return train(nil)
	case timeout < time.Second:
		return cli.Usagef("--peer-timeout %v: want 1s or more", timeout)
	}
	env.Timeout = timeout
	if env.Rank > 0 {
		m.Silence()
	}
	m.Infof("waiting for %d processes at %s:%d", env.World, env.Host, env.Port)
	group, err := dist.Init(ctx, env)
	if late := (*dist.LateError)(nil); errors.As(err, &late) {
		return fmt.Errorf("%w: start all %d processes with the same MASTER_ADDR and MASTER_PORT, or raise --peer-timeout", err, env.World)
	}
	if err != nil {
		return err
	}
	defer group.Close()
	if err := train(group); err != nil {
		var lost *dist.PeerError
		if errors.As(err, &lost) && !lost.Explained() {
			return fmt.Errorf("rank %d: %w; all processes end: start them again with --resume auto to go on from the last checkpoint", env.Rank, err)
		}
		if lost == nil {
			group.Leave(err)
		}
		return fmt.Errorf("rank %d: %w", env.Rank, err)
	}
	return nil
}
