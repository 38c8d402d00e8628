// Command hymenoptera fine-tunes ImageNet networks on folders of images, on libtorch. The README says how;
// hymenoptera --help lists the commands.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"

	_ "hymenoptera/internal/malloc/jemalloc"
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
	// A closed pipe and a limit on the size of files are to make writes fail, not to kill.
	signal.Ignore(syscall.SIGPIPE, syscall.SIGXFSZ)
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		cancel(interrupt{(<-signals).(syscall.Signal)})
		os.Exit(exitSignal + int((<-signals).(syscall.Signal)))
	}()
	os.Exit(execute(ctx, os.Args[1:], os.Stdout, os.Stderr, func(command string) {
		// A terminal that is closed ends a command as SIGTERM does, but for those that nohup began, and but for the
		// server, for which the signal means something else.
		if command != serveCommand && !signal.Ignored(syscall.SIGHUP) {
			signal.Notify(signals, syscall.SIGHUP)
		}
	}))
}

// execute runs one command line and returns its exit code. begin is called with the name of the command that begins.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer, begin func(command string)) int {
	stdout, stderr, done := newOutlets(ctx, stdout, stderr)
	defer done()
	m, out := newMessages(stderr), &output{w: stdout}
	stop := func() bool { return true }
	root := newRoot(out, m, func(command string) {
		begin(command)
		stop = context.AfterFunc(ctx, func() { m.info("stopping after what is under way; once more stops at once") })
	})
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	stop()
	if err == nil {
		err = out.err
	}
	if err == nil {
		return 0
	}
	if cause := context.Cause(ctx); errors.Is(err, context.Canceled) && cause != nil {
		err = cause
	}
	if !errors.Is(err, syscall.EPIPE) { // the reader has read enough, as head does
		m.error(err)
	}
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

// An output is standard output. It keeps the first error for execute, so that no command needs to look at
// the result of every line.
type output struct {
	w   io.Writer
	err error
}

func (o *output) Write(p []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.w.Write(p)
	o.err = err
	return n, err
}
