package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"hymenoptera/checkpoint"
	"hymenoptera/metrics"
	"hymenoptera/run"
)

// resumeArgs has the arguments of a training with frequent checkpoints.
const resumeArgs = "--epochs 4 --lr 0.01 --checkpoint-every 1 --workers 2"

// left returns the results of a finished run, apart from times.
func left(t *testing.T, dir string) (history metrics.History, final, best string) {
	t.Helper()
	history, err := run.ReadHistory(dir)
	try(t, err)
	for i := range history {
		history[i].Seconds, history[i].Wait = 0, 0
	}
	result, err := run.ReadResult(dir)
	try(t, err)
	sd, err := checkpoint.Read(filepath.Join(dir, run.BestFile))
	try(t, err)
	if got := fmt.Sprintf("%x", sd.SHA256()); got != result.BestSHA256 {
		t.Errorf("best.safetensors has the SHA-256 %s, result.json %s", got, result.BestSHA256)
	}
	return history, result.FinalSHA256, result.BestSHA256
}

// A training that is killed again and again, and started again each time like a job of a cluster, ends like an undisturbed
// one.
func testResumeKilled(t *testing.T, b built) {
	dir := insects(t, t.TempDir())
	b.run(t, dir, smallArgs("--out whole "+resumeArgs)...).check(t, 0, "")
	history, final, best := left(t, filepath.Join(dir, "whole"))
	args := smallArgs("--resume auto " + resumeArgs)
	last := filepath.Join(dir, "out", run.LastFile)
	kills := 0
	for range 3 {
		before, _ := os.Stat(last)
		cmd := b.command(t.Context(), dir, args...)
		try(t, cmd.Start())
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		for more := true; more; { // until there is a new checkpoint, or the training has finished
			select {
			case err := <-ended:
				try(t, err)
				ended <- nil
				more = false
			case <-time.After(time.Millisecond):
				now, err := os.Stat(last)
				more = err != nil || before != nil && os.SameFile(before, now)
			}
		}
		if cmd.Process.Kill() == nil {
			kills++
		}
		<-ended
	}
	t.Logf("killed %d times", kills)
	b.run(t, dir, args...).check(t, 0, "out")
	gotHistory, gotFinal, gotBest := left(t, filepath.Join(dir, "out"))
	if !slices.Equal(gotHistory, history) || gotFinal != final || gotBest != best {
		t.Errorf("got %+v, final weights %s, best %s;\nwant %+v, %s, %s", gotHistory, gotFinal, gotBest, history, final, best)
	}
	whole(t, filepath.Join(dir, "out"), 8)

	// Once it is finished, resuming it changes nothing, with any flags.
	held := contents(t, filepath.Join(dir, "out"))
	for _, args := range [][]string{args, {"train", "--resume", "out"}, {"train", "--resume=out", "--lr", "0.01"}, {"train", "--out", "out", "--resume"}} {
		b.run(t, dir, args...).check(t, 0, "out is finished; a larger --epochs goes on with it")
	}
	same(t, filepath.Join(dir, "out"), held)
	b.run(t, dir, smallArgs("--out early --epochs 9 --patience 1 --lr 1e-9")...).check(t, 0, "")
	b.run(t, dir, "train", "--resume", "early", "--epochs", "10").check(t, 0, "early is finished: no better epoch in 1")
	for _, tt := range []struct {
		args, line string
		code       int
	}{
		{"--resume out --seed 7 --fast", "the run began with --seed 42, --fast false: give these values", 2},
		{"--resume out --epochs 3", "the run began with --epochs 4 (which may only grow): give these values", 2},
		{"--resume out --overwrite", "--overwrite begins a new run", 2},
		{"--resume out --out other", "--out other: a resumed run stays in its folder, out", 2},
		{"--resume auto", "--resume auto: needs --out", 2},
		{"--resume", "--resume: name the run's folder", 2},
		{"--resume data", "data holds no last.safetensors to go on from; train without --resume begins a run", 1},
		{"--resume=", "--resume is empty", 2},
		{"--resume out/last.safetensors", "--resume out/last.safetensors: name the run's folder, out", 2},
		{"out", `train takes only flags, got "out"`, 2},
	} {
		b.run(t, dir, append([]string{"train"}, strings.Fields(tt.args)...)...).check(t, tt.code, tt.line)
	}
	copyFile(t, filepath.Join(dir, "data/val/bees/000.jpg"), filepath.Join(dir, "data/train/bees/999.jpg"))
	b.run(t, dir, "train", "--resume", "out", "--epochs", "5").check(t, 1, "train/bees/999.jpg is new; bring the images back as they were")
	try(t, os.Remove(filepath.Join(dir, "data/train/bees/999.jpg")), os.Remove(filepath.Join(dir, "data/train/bees/001.jpg")))
	b.run(t, dir, "train", "--resume", "out", "--epochs", "5").check(t, 1, "train/bees/001.jpg is gone; bring the images back as they were")
	try(t, os.Truncate(last, 5000))
	b.run(t, dir, "train", "--resume", "out").check(t, 1, "the run cannot be resumed: checkpoint: read out/last.safetensors: ")
	try(t, os.Remove(last))
	for _, resume := range []string{"out", "auto"} {
		b.run(t, dir, "train", "--out", "out", "--resume", resume).check(t, 1, "out holds no last.safetensors to go on from; start over with --overwrite and without --resume")
	}
}

// SIGUSR1 writes a checkpoint, and the training continues. A signal that ends it writes one too, also in its first epoch.
func testResumeSignals(t *testing.T, b built) {
	dir := insects(t, t.TempDir())
	tr := start(t, b, dir)
	last := filepath.Join(dir, "out", run.LastFile)
	appears := func(file string, before os.FileInfo) os.FileInfo {
		for ; ; time.Sleep(time.Millisecond) {
			if now, err := os.Stat(file); err == nil && (before == nil || !os.SameFile(before, now)) {
				return now
			}
			try(t, t.Context().Err())
		}
	}
	go io.Copy(io.Discard, tr.pipe)
	before := appears(last, nil) // the checkpoint of the first epoch
	b.run(t, dir, "train", "--resume", "out").check(t, 1, "another run is writing into this folder\n")
	try(t, tr.cmd.Process.Signal(syscall.SIGUSR1))
	appears(last, before)
	try(t, tr.cmd.Process.Signal(syscall.SIGTERM))
	tr.end(t).check(t, 143, "to go on from here: hymenoptera train --resume out\nhymenoptera: stopped: terminated")
	whole(t, filepath.Join(dir, "out"), 4)

	// In the first epoch of a run that is to replace another: the old run stays, and the new one can be resumed.
	const kept = "out still holds the old run, as it was\nto go on from here: hymenoptera train --resume out\n"
	old := contents(t, filepath.Join(dir, "out"))
	r, w, err := os.Pipe()
	try(t, err)
	cmd := b.command(t.Context(), dir, smallArgs("--overwrite --epochs 2 --checkpoint-every 1 --batch-size 1 --image-size 64")...)
	cmd.Stdout = w
	result := finish(t, cmd, func() error {
		try(t, cmd.Start(), w.Close())
		appears(filepath.Join(dir, "out/.hymenoptera-new", run.LastFile), nil)
		try(t, cmd.Process.Signal(syscall.SIGTERM))
		go io.Copy(io.Discard, r)
		return cmd.Wait()
	})
	if result.code != 143 || !strings.Contains(result.stderr, kept) {
		t.Skipf("the first epoch ended before the signal: %s", result.stderr)
	}
	for name, data := range old {
		if got := contents(t, filepath.Join(dir, "out"))[name]; got != data {
			t.Errorf("%s is not what it was", name)
		}
	}
	b.run(t, dir, "train", "--resume", "out").check(t, 0, "continuing out from epoch 0, ")
	whole(t, filepath.Join(dir, "out"), 4)
}
