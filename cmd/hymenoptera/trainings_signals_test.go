package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func testInterrupts(t *testing.T, b built) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP) // if nohup started the tests, the program would ignore the signal too
	defer signal.Stop(hangups)
	for sig, code := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143, syscall.SIGHUP: 129} {
		dir := insects(t, t.TempDir())
		tr := start(t, b, dir)
		try(t, tr.cmd.Process.Signal(sig))
		go io.Copy(io.Discard, tr.pipe)
		tr.end(t).check(t, code, "hymenoptera: stopped: "+sig.String())
		whole(t, filepath.Join(dir, "out"), 4)
	}
}

// A training that nohup started does not end with its terminal.
func testNohup(t *testing.T, b built) {
	dir := insects(t, t.TempDir())
	tr := start(t, b.restricted(t, becomeNohup+"=1"), dir)
	try(t, tr.cmd.Process.Signal(syscall.SIGHUP))
	for epochs := 0; epochs < 2 && tr.log.Scan(); {
		if strings.HasPrefix(tr.log.Text(), "Epoch ") {
			epochs++
		}
	}
	try(t, tr.cmd.Process.Signal(syscall.SIGTERM))
	go io.Copy(io.Discard, tr.pipe)
	tr.end(t).check(t, 143, "hymenoptera: stopped: terminated")
}

// fill writes into a pipe until it is full.
func fill(t *testing.T, pipe *os.File) {
	t.Helper()
	// Opened again, because the descriptors of a pipe's end share O_NONBLOCK.
	w, err := os.OpenFile(filepath.Join("/proc/self/fd", strconv.Itoa(int(pipe.Fd()))), os.O_WRONLY|unix.O_NONBLOCK, 0)
	try(t, err)
	defer w.Close()
	try(t, w.SetWriteDeadline(time.Now().Add(100*time.Millisecond)))
	for err == nil {
		_, err = w.Write(make([]byte, 4096))
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
}

// A training whose log is not read waits for a reader, but still ends at the first signal, even if its messages are not
// read either.
func testUnreadOutput(t *testing.T, b built) {
	for _, both := range []bool{false, true} {
		dir := insects(t, t.TempDir())
		before := tree(t, dir)
		r, w, err := os.Pipe()
		try(t, err)
		errR, errW, err := os.Pipe()
		try(t, err)
		for _, end := range []*os.File{r, w, errR, errW} {
			defer end.Close()
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
		defer cancel()
		cmd := b.command(ctx, dir, smallArgs("--epochs 100000")...)
		cmd.Stdout, cmd.Stderr = w, errW
		if both {
			cmd.Stdout = errW
		} else {
			fill(t, w)
		}
		try(t, cmd.Start())
		bufio.NewScanner(errR).Scan() // the size of the network; from then on the program handles signals
		if both {
			fill(t, errW)
		}
		try(t, cmd.Process.Signal(syscall.SIGTERM))
		var exit *exec.ExitError
		if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 143 {
			t.Errorf("both %v: got %v, want exit code 143", both, err)
		}
		if !both {
			unchanged(t, dir, before)
		}
	}
}

// A training that waits because its trace goes into a pipe that is not read ends at the second signal.
func testSecondInterrupt(t *testing.T, b built) {
	dir := insects(t, t.TempDir())
	path := filepath.Join(dir, "trace")
	try(t, syscall.Mkfifo(path, 0o666))
	trace, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	try(t, err)
	defer trace.Close()
	_, err = unix.FcntlInt(trace.Fd(), unix.F_SETPIPE_SZ, os.Getpagesize()) // the weights before the first step fill it
	try(t, err)
	r, w, err := os.Pipe()
	try(t, err)
	defer r.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := b.command(ctx, dir, smallArgs("--trace trace")...)
	cmd.Stderr = w
	try(t, cmd.Start(), w.Close())
	for n := 0; n == 0; time.Sleep(time.Millisecond) { // until the training begins, since it would end at the first signal before that
		n, _ = trace.Read(make([]byte, 1))
		try(t, ctx.Err())
	}
	try(t, cmd.Process.Signal(syscall.SIGINT))
	lines := bufio.NewScanner(r)
	for lines.Scan() && !strings.Contains(lines.Text(), "press Ctrl-C again to quit now") {
	}
	try(t, lines.Err(), cmd.Process.Signal(syscall.SIGTERM))
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 143 {
		t.Errorf("got %v, want exit code 143", err)
	}
}

// If too few threads can be started, a training does not begin, so that Go or libtorch cannot crash later. If there are
// enough, it ends at the first signal.
func testThreadLimit(t *testing.T, b built) {
	group, err := os.MkdirTemp("/sys/fs/cgroup/pids", "hymenoptera-test-")
	if err != nil {
		t.Skipf("no control group can be made here: %v", err)
	}
	defer os.Remove(group)
	b = b.restricted(t, becomeGroup+"="+group)
	limit := filepath.Join(group, "pids.max")
	dir := insects(t, t.TempDir())
	before := tree(t, dir)
	write(t, limit, "10")
	b.run(t, dir, smallArgs("")...).check(t, 1, "more threads can be started here, and 10 may be needed: raise the limit (ulimit -u, or pids.max")
	unchanged(t, dir, before)

	write(t, limit, "max")
	tr := start(t, b, dir)
	write(t, limit, "1")
	try(t, tr.cmd.Process.Signal(syscall.SIGTERM))
	go io.Copy(io.Discard, tr.pipe)
	tr.end(t).check(t, 143, "hymenoptera: stopped: terminated")
	whole(t, filepath.Join(dir, "out"), 4)
}
