package main

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"hymenoptera/run"
)

func testHeadOfEpoch(t *testing.T, b built) {
	dir := insects(t, t.TempDir())
	cmd := b.command(t.Context(), dir, smallArgs("--epochs 100000")...)
	r, w, err := os.Pipe()
	try(t, err)
	cmd.Stdout = w
	got := finish(t, cmd, func() error {
		try(t, cmd.Start(), w.Close())
		for log := bufio.NewScanner(r); log.Scan() && !strings.HasPrefix(log.Text(), "train Loss"); {
		}
		try(t, r.Close())
		return cmd.Wait()
	})
	got.check(t, 1, "stopped: standard output was closed")
	whole(t, filepath.Join(dir, "out"), 2)
}

func testHead(t *testing.T, b built) {
	dir := insects(t, t.TempDir())
	tr := start(t, b, dir)
	tr.pipe.Close()
	tr.end(t).check(t, 1, "stopped: standard output was closed")
	whole(t, filepath.Join(dir, "out"), 4)

	r, w, err := os.Pipe()
	try(t, err, r.Close())
	cmd := b.command(t.Context(), dir, "inspect", "out/best.safetensors")
	cmd.Stdout = w
	if result := finish(t, cmd, cmd.Run); result.code != 1 || result.stderr != "" {
		t.Errorf("inspect: got exit code %d and %q, want 1 and no word", result.code, result.stderr)
	}
}

func testFullOutput(t *testing.T, b built) {
	dir := insects(t, t.TempDir())
	before := tree(t, dir)
	for _, args := range [][]string{{"--version"}, {"train", "--help"}, {"inspect", "--help"}, {"completion", "bash"}, smallArgs("")} {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		try(t, err)
		defer full.Close()
		cmd := b.command(t.Context(), dir, args...)
		cmd.Stdout = full
		finish(t, cmd, cmd.Run).check(t, 1, "write /dev/stdout: no space left on device")
	}
	unchanged(t, dir, before)
}

func testFileLimit(t *testing.T, b built) {
	dir := insects(t, t.TempDir())
	b.restricted(t, becomeFileLimit+"=2000000").run(t, dir, smallArgs("--epochs 2")...).check(t, 1, "best.safetensors")
	if files := tree(t, filepath.Join(dir, "out")); slices.ContainsFunc(files, func(p string) bool { return strings.Contains(p, "best") }) {
		t.Errorf("a part of the weights was left: %q", files)
	}
	if _, err := run.ReadHistory(filepath.Join(dir, "out")); err != nil {
		t.Error(err)
	}
}

func testFullDisk(t *testing.T, b built) {
	for size, most := range map[string]string{"20k": run.ConfigFile, "3m": run.HistoryFile} { // the last file for which there is room
		dir := insects(t, t.TempDir())
		out := filepath.Join(dir, "out")
		try(t, os.Mkdir(out, 0o777))
		if err := unix.Mount("none", out, "tmpfs", 0, "size="+size); err != nil {
			t.Skipf("no small disk can be made here: %v", err)
		}
		defer unix.Unmount(out, unix.MNT_DETACH)
		b.run(t, dir, smallArgs("")...).check(t, 1, "no space left on device; make room there, or choose another --out")
		names := tree(t, out)
		if slices.ContainsFunc(names, func(p string) bool { return strings.HasPrefix(filepath.Base(p), ".") }) {
			t.Errorf("%s: half a file was left: %q", size, names)
		}
		if slices.Contains(names, filepath.Join(out, run.BestFile)) || !slices.Contains(names, filepath.Join(out, most)) {
			t.Errorf("%s: got %q, want %s and no weights, for which there is no room", size, names, most)
		}
		if history, err := run.ReadHistory(out); most == run.HistoryFile && (err != nil || len(history) != 2) {
			t.Errorf("%s: %d phases, error %v", size, len(history), err)
		}
	}
}

func testVanished(t *testing.T, b built) {
	dir := insects(t, t.TempDir())
	tr := start(t, b, dir)
	go io.Copy(io.Discard, tr.pipe)
	try(t, os.Rename(filepath.Join(dir, "out"), filepath.Join(dir, "elsewhere")))
	tr.end(t).check(t, 1, "out was removed")
	whole(t, filepath.Join(dir, "out"), 4)
}
