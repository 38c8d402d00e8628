// Command hymenoptera fine-tunes ImageNet networks on folders of images, on libtorch. The README says how;
// hymenoptera --help lists the commands.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// Exit codes, beside 0.
const (
	exitFailure = 1
	exitUsage   = 2 // wrong from the command line alone
	exitSignal  = 128
)

// A usageError is a mistake that the command line alone shows.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// An interrupt is the reason for which a signal cancels the context.
type interrupt struct{ syscall.Signal }

func (i interrupt) Error() string { return "stopped: " + i.Signal.String() }

func main() {
	sleepWhileWaiting()
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		first := (<-signals).(syscall.Signal)
		cancel(interrupt{first})
		fmt.Fprintln(os.Stderr, "hymenoptera: stopping after this step; once more stops at once")
		second := (<-signals).(syscall.Signal)
		os.Exit(exitSignal + int(second))
	}()
	os.Exit(execute(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// execute runs one command line and returns its exit code.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot(stdout, stderr)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if cause := context.Cause(ctx); errors.Is(err, context.Canceled) && cause != nil {
		err = cause
	}
	fmt.Fprintln(stderr, "hymenoptera:", err)
	var stopped interrupt
	var usage usageError
	switch {
	case errors.As(err, &stopped):
		return exitSignal + int(stopped.Signal)
	case errors.As(err, &usage):
		return exitUsage
	}
	return exitFailure
}
