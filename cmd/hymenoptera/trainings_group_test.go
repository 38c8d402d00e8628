package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"hymenoptera/run"
)

// If one of two processes that train together is killed, the training starts again and ends like an undisturbed one. If a
// signal stops the training, three processes, or one, can resume it.
func testGroup(t *testing.T, b built) {
	dir := insects(t, t.TempDir())
	launch := func(processes, more string) []string {
		return append(strings.Fields("launch --nproc "+processes), smallArgs("--epochs 4 --lr 0.01 --workers 1 --batch-size 4 --best macro-f1 --resume auto --peer-timeout 60s "+more)...)
	}
	b.run(t, dir, launch("2", "--out whole")...).check(t, 0, "all 2 processes end with the same weights")
	history, final, best := left(t, filepath.Join(dir, "whole"))

	// lose sends a signal to a process of a launcher, or to itself, when there is a checkpoint.
	lose := func(out, rank string, s syscall.Signal, args []string) result {
		cmd := b.command(t.Context(), dir, args...)
		var stdout, stderr strings.Builder
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		try(t, cmd.Start())
		for held := false; !held; time.Sleep(time.Millisecond) {
			_, err := os.Stat(filepath.Join(dir, out, run.LastFile))
			held = err == nil
			try(t, t.Context().Err())
		}
		pid := cmd.Process.Pid
		if rank != "" {
			pid = child(t, pid, "RANK="+rank)
		}
		try(t, syscall.Kill(pid, s))
		cmd.Wait()
		return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
	}
	for _, rank := range []string{"0", "1"} {
		out := "killed" + rank
		args := append([]string{"launch", "--max-restarts", "1"}, launch("2", "--quiet --checkpoint-every 1 --out "+out)[1:]...)
		lose(out, rank, syscall.SIGKILL, args).check(t, 0, fmt.Sprintf("rank %s failed: signal: killed; starting all processes again (1 of 1 times)", rank))
		gotHistory, gotFinal, gotBest := left(t, filepath.Join(dir, out))
		if !slices.Equal(gotHistory, history) || gotFinal != final || gotBest != best {
			t.Errorf("after rank %s was killed: got %+v, final weights %s, best %s;\nwant %+v, %s, %s", rank, gotHistory, gotFinal, gotBest, history, final, best)
		}
	}
	lose("killed", "1", syscall.SIGKILL, launch("2", "--checkpoint-every 1 --out killed")).check(t, 137, "rank 0: dist: rank 1 does not answer any more; all processes end: start them again with --resume auto")

	const others = "so the order of the images and their crops are others"
	lose("stopped", "", syscall.SIGTERM, launch("2", "--checkpoint-every 1 --out stopped")).check(t, 143, "\nhymenoptera: stopped: terminated\n") // a rank may first hear of it from another rank
	try(t, os.CopyFS(filepath.Join(dir, "alone"), os.DirFS(filepath.Join(dir, "stopped"))))
	b.run(t, dir, launch("3", "--out stopped")...).check(t, 0, "the number of processes: 3 instead of 2, "+others)
	b.run(t, dir, "train", "--resume", "alone").check(t, 0, "the number of processes: 1 instead of 2, "+others)
	lose("told", "1", syscall.SIGTERM, launch("2", "--checkpoint-every 1 --out told")).check(t, 143, "rank 0: trainer: another process was stopped")
	for _, out := range []string{"stopped", "alone"} {
		if h, err := run.ReadHistory(filepath.Join(dir, out)); err != nil || len(h) != 8 {
			t.Errorf("%s: %d phases, %v; want 8", out, len(h), err)
		}
	}

	for _, c := range []struct {
		args []string
		line string
		code int
	}{
		{launch("2", "--out o --freeze --probe"), "--probe: trains a head, which one process does", 2},
		{launch("2", "--out o --balance sampling"), "--balance sampling: draws from all images, which several processes share", 2},
		{launch("2", "--out o --recipe auto"), "--recipe auto: chooses for one process", 2},
		{launch("2", "--data nowhere --out o"), "no folder nowhere", 1},
		{launch("0", ""), "--nproc 0: want 1 to 1024 processes", 2},
		{[]string{"launch", "--nproc", "2", "eval"}, "launch takes the command to start, train and its flags", 2},
		{[]string{"launch", "--nproc", "2", "--max-restarts", "1", "train"}, "add them", 2},
		{launch("2", "")[:1], "launch needs --nproc, the number of processes", 2},
		{[]string{"train", "--sync-bn"}, "--sync-bn has no effect with one process: leave one of them out", 2},
		{[]string{"train", "--peer-timeout", "3s"}, "--peer-timeout has no effect in one process", 2},
	} {
		b.run(t, dir, c.args...).check(t, c.code, c.line)
	}
	// For a mistake in the flags of train, launch prints one line; it prints the help of train once.
	for _, c := range []struct {
		args           string
		code           int
		stdout, stderr string
	}{
		{"--nosuch", 2, "", "hymenoptera: unknown flag: --nosuch (hymenoptera train --help lists the flags)\n"},
		{"extra", 2, "", "hymenoptera: train takes only flags, got \"extra\" (hymenoptera train --help lists the flags)\n"},
		{"-q -v", 2, "", "hymenoptera: --quiet and --verbose do not go together\n"},
		{"--data=", 2, "", "hymenoptera: --data is empty: give it a value, or leave it out\n"},
		{"--help", 0, b.run(t, dir, "train", "--help").stdout, ""},
	} {
		if got := b.run(t, dir, strings.Fields("launch --nproc 3 train "+c.args)...); got != (result{c.code, c.stdout, c.stderr}) {
			t.Errorf("%s: got %+v", c.args, got)
		}
	}
	for _, more := range []string{"--resume auto", "--out o", "--out o --resume runs"} {
		b.run(t, dir, strings.Fields("launch --nproc 2 --max-restarts 1 train "+more)...).check(t, 2, "goes on only with --out and --resume auto")
	}
	several := func(rank string) built { // port 9 belongs to discard, so nothing listens there
		return built{b.path, append(slices.Clone(b.env), "WORLD_SIZE=2", "RANK="+rank, "MASTER_ADDR=127.0.0.1", "MASTER_PORT=9", "GLOO_SOCKET_IFNAME=lo")}
	}
	several("").run(t, dir, "train").check(t, 2, "the environment says that several processes train together, but RANK is not set")
	several("1").run(t, dir, smallArgs("--peer-timeout 1s")...).check(t, 1, "rank 1 of 2 does not reach the others at 127.0.0.1:9 within 1s: start all 2 processes")
}

// child returns the child of a process that has a variable in its environment.
func child(t *testing.T, pid int, variable string) int {
	t.Helper()
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	try(t, err)
	for _, list := range lists {
		pids, err := os.ReadFile(list)
		try(t, err)
		for _, pid := range strings.Fields(string(pids)) {
			environment, err := os.ReadFile("/proc/" + pid + "/environ")
			if n, numeric := strconv.Atoi(pid); err == nil && numeric == nil && slices.Contains(strings.Split(string(environment), "\x00"), variable) {
				return n
			}
		}
	}
	t.Fatalf("process %d has no child with %s", pid, variable)
	return 0
}
