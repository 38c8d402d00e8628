package launch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// shell returns a job that runs a script in several processes, and the buffer of their output.
func shell(processes int, script string) (Job, *lockedBuffer) {
	var out lockedBuffer
	return Job{Processes: processes, Threads: 3, Path: "/bin/sh", Args: []string{"-c", script}, Stdout: &out, Stderr: &out,
		Restarted: func(*ExitError, int) {}, Retry: func(code int) bool { return code != 2 }}, &out
}

type lockedBuffer struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.Write(p)
}

func (b *lockedBuffer) lines() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(b.all.String()), "\n")
	slices.Sort(lines)
	return lines
}

func term(error) syscall.Signal { return syscall.SIGTERM }

func TestEnvironment(t *testing.T) {
	t.Setenv("OMP_NUM_THREADS", "")
	t.Setenv("GLOO_SOCKET_IFNAME", "")
	job, out := shell(2, `echo $RANK/$LOCAL_RANK of $WORLD_SIZE at $MASTER_ADDR, $OMP_NUM_THREADS threads, $GLOO_SOCKET_IFNAME, $TORCHELASTIC_RESTART_COUNT; test $MASTER_PORT -gt 0`)
	if err := job.Run(t.Context(), term); err != nil {
		t.Fatal(err)
	}
	want := []string{"0/0 of 2 at 127.0.0.1, 3 threads, lo, 0", "1/1 of 2 at 127.0.0.1, 3 threads, lo, 0"}
	if got := out.lines(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFailuresAreRestarted(t *testing.T) {
	for _, c := range []struct {
		name, script   string
		code, restarts int
	}{
		{"at first", `test $TORCHELASTIC_RESTART_COUNT -ge 2 || test $RANK = 0 || kill -9 $$`, 0, 2},
		{"always", `test $RANK = 0 || exit 7`, 7, 3},
		{"killed", `test $RANK = 0 || kill -9 $$`, 137, 3},
		{"a mistake in the command", `exit 2`, 2, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			job, _ := shell(2, c.script)
			job.Restarts = 3
			restarts := 0
			job.Restarted = func(failed *ExitError, attempt int) {
				if restarts++; attempt != restarts {
					t.Errorf("attempt %d, want %d", attempt, restarts)
				}
			}
			err := job.Run(t.Context(), term)
			code := 0
			if failed := (*ExitError)(nil); errors.As(err, &failed) {
				code = failed.Code
			}
			if code != c.code || restarts != c.restarts {
				t.Errorf("exit code %d after %d restarts (%v), want %d after %d", code, restarts, err, c.code, c.restarts)
			}
		})
	}
}

func TestSignalsArePassedOn(t *testing.T) {
	job, out := shell(2, `trap 'echo got it; exit 3' INT; echo ready; while :; do sleep 0.05; done`)
	job.Restarts = 3
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	done := make(chan error)
	go func() { done <- job.Run(ctx, func(error) syscall.Signal { return syscall.SIGINT }) }()
	for fmt.Sprint(out.lines()) != "[ready ready]" {
	}
	cancel(errors.New("stopped"))
	if failed := (*ExitError)(nil); !errors.As(<-done, &failed) || failed.Code != 3 {
		t.Errorf("got %v, want exit code 3", failed)
	}
	if got := fmt.Sprint(out.lines()); got != "[got it got it ready ready]" {
		t.Errorf("got %s", got)
	}
}

func TestMissingProgram(t *testing.T) {
	job, _ := shell(2, "")
	job.Path = "/nonexistent"
	if err := job.Run(t.Context(), term); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("got %v", err)
	}
}
