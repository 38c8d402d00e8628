// Package launch starts a program in several processes on this machine, with the environment variables that torchrun sets.
package launch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// A Job is a program to start.
type Job struct {
	Processes int
	Threads   int // of each process, unless OMP_NUM_THREADS is set
	Restarts  int // how often all are started again after one has failed
	Path      string
	Args      []string
	Stdout    io.Writer
	Stderr    io.Writer
	Restarted func(failed *ExitError, attempt int) // called before all are started again; the first time attempt is 1
	Retry     func(code int) bool                  // reports whether to start all again after this exit code
}

// An ExitError is the failure of a process: of the first that was killed or, if none was, of the first that failed.
type ExitError struct {
	Rank int
	Code int // its exit code, or 128 plus the signal that ended it
	Err  error
}

func (e *ExitError) Error() string { return fmt.Sprintf("rank %d failed: %v", e.Rank, e.Err) }
func (e *ExitError) Unwrap() error { return e.Err }

// grace is how long the other processes have to end by themselves when one has failed, or when the job is cancelled.
const grace = 60 * time.Second

// Run runs the job and returns an [*ExitError] if it failed. When ctx is cancelled, the processes get the signal that
// signalOf returns for the cause.
func (j Job) Run(ctx context.Context, signalOf func(error) syscall.Signal) error {
	for attempt := 0; ; attempt++ {
		err := j.once(ctx, attempt, signalOf)
		failed := (*ExitError)(nil)
		if !errors.As(err, &failed) || ctx.Err() != nil || attempt == j.Restarts || !j.Retry(failed.Code) {
			return err
		}
		j.Restarted(failed, attempt+1)
	}
}

// once starts the processes once.
func (j Job) once(ctx context.Context, attempt int, signalOf func(error) syscall.Signal) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	var processes []*exec.Cmd
	var wait sync.WaitGroup
	ended := make(chan *ExitError, j.Processes) // nil for success
	var first *ExitError
	for rank := range j.Processes {
		cmd := exec.Command(j.Path, j.Args...)
		cmd.Stdout, cmd.Stderr = j.Stdout, j.Stderr
		cmd.Env = append(os.Environ(), j.environment(rank, port, attempt)...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM} // this process passes signals on
		started := make(chan error)
		wait.Go(func() {
			runtime.LockOSThread() // the kernel sends Pdeathsig when the thread that started the process ends
			err := cmd.Start()
			started <- err
			if err == nil {
				ended <- exitError(rank, cmd.Wait())
			}
		})
		if err = <-started; err != nil {
			break
		}
		processes = append(processes, cmd)
	}
	tell := func(s syscall.Signal) {
		for _, cmd := range processes {
			cmd.Process.Signal(s) // has no effect on one that has ended
		}
	}
	if err != nil {
		tell(syscall.SIGKILL)
	}
	var late <-chan time.Time
	cancelled := ctx.Done()
	for left := len(processes); left > 0; {
		select {
		case failed := <-ended:
			left--
			if failed != nil && late == nil {
				late = time.After(grace)
			}
			if failed != nil && (first == nil || first.Code < 128 && failed.Code >= 128) { // one that was killed printed no reason
				first = failed
			}
		case <-cancelled:
			tell(signalOf(context.Cause(ctx)))
			cancelled, late = nil, time.After(grace)
		case <-late:
			tell(syscall.SIGKILL)
		}
	}
	wait.Wait()
	if err == nil && first != nil {
		err = first
	}
	return err
}

// environment returns the variables of a process.
func (j Job) environment(rank, port, attempt int) []string {
	env := []string{"RANK=" + strconv.Itoa(rank), "LOCAL_RANK=" + strconv.Itoa(rank), "WORLD_SIZE=" + strconv.Itoa(j.Processes),
		"LOCAL_WORLD_SIZE=" + strconv.Itoa(j.Processes), "MASTER_ADDR=127.0.0.1", "MASTER_PORT=" + strconv.Itoa(port),
		"TORCHELASTIC_RESTART_COUNT=" + strconv.Itoa(attempt), "TORCHELASTIC_USE_AGENT_STORE=False"}
	for name, value := range map[string]string{"GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": strconv.Itoa(j.Threads)} {
		if os.Getenv(name) == "" {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// exitError returns how a process failed, or nil for success.
func exitError(rank int, err error) *ExitError {
	if err == nil {
		return nil
	}
	e := &ExitError{Rank: rank, Code: 1, Err: err}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if e.Code = exit.ExitCode(); e.Code < 0 {
			e.Code = 128 + int(exit.Sys().(syscall.WaitStatus).Signal())
		}
	}
	return e
}

// freePort returns a port of 127.0.0.1 on which nothing listens.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
