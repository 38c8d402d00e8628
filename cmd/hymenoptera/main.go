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

	"hymenoptera/internal/cli"
	_ "hymenoptera/internal/malloc/jemalloc"
	"hymenoptera/internal/threads"
)

func main() {
	threads.SleepWhileWaiting()
	// With these ignored, writing to a closed pipe or beyond a limit on file sizes fails instead of killing the program.
	signal.Ignore(syscall.SIGPIPE, syscall.SIGXFSZ)
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		cancel(cli.Interrupt{Signal: (<-signals).(syscall.Signal)})
		os.Exit(cli.ExitSignal + int((<-signals).(syscall.Signal)))
	}()
	os.Exit(execute(ctx, os.Args[1:], os.Stdout, os.Stderr, func(command string) {
		// Closing the terminal ends a command as SIGTERM does, unless nohup started it. The server reloads instead.
		if command != serveCommand && !signal.Ignored(syscall.SIGHUP) {
			signal.Notify(signals, syscall.SIGHUP)
		}
	}))
}

// execute runs one command line and returns its exit code. begin is called with the name of the command that begins.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer, begin func(command string)) int {
	stdout, stderr, done := cli.NewOutlets(ctx, stdout, stderr)
	defer done()
	m, out := cli.NewMessages(stderr), &cli.Output{Writer: stdout}
	stop := func() bool { return true }
	root := newRoot(out, m, func(command string) {
		begin(command)
		stop = context.AfterFunc(ctx, func() { m.Infof("stopping; press Ctrl-C again to quit now") })
	})
	root.SetErr(stderr)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	stop()
	if err == nil {
		err = out.Err
	}
	if cause := context.Cause(ctx); errors.Is(err, context.Canceled) && cause != nil {
		err = cause
	}
	if err != nil && !errors.Is(err, cli.ErrSaid) && !errors.Is(err, syscall.EPIPE) { // a reader such as head has closed the pipe
		m.Error(err)
	}
	return cli.ExitCode(err)
}
