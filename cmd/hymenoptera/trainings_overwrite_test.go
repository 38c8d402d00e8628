package main

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"hymenoptera/checkpoint"
	"hymenoptera/run"
)

// oldRun makes a folder out in dir that holds a run, and other files, and returns what it holds.
func oldRun(t *testing.T, dir string) map[string]string {
	t.Helper()
	for _, name := range []string{run.ConfigFile, run.HistoryFile, run.BestFile, run.ResultFile, run.ReportFile, "grid.png", "notes.txt", "more/a.txt"} {
		write(t, filepath.Join(dir, "out", name), "old "+name)
	}
	return contents(t, filepath.Join(dir, "out"))
}

// contents returns the files under dir with their contents.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, path := range tree(t, dir) {
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			data, err := os.ReadFile(path)
			try(t, err)
			files[path[len(dir):]] = string(data)
		}
	}
	return files
}

// same fails unless dir still holds the same files.
func same(t *testing.T, dir string, held map[string]string) {
	t.Helper()
	got := contents(t, dir)
	for name, data := range held {
		if got[name] != data {
			t.Errorf("%s is not what it was", name)
		}
	}
	for name := range got {
		if _, ok := held[name]; !ok {
			t.Errorf("%s is left", name)
		}
	}
}

// A training that fails before it has weights keeps the run that it was to replace, and says so.
func testOverwrite(t *testing.T, b built) {
	for name, m := range map[string]mistake{
		"picture": {"", spoilt("data/train/bees/001.jpg", "hello"), "", 1, "001.jpg (class bees, sample 3)"},
		"weights": {"", spoilt("w", "hello"), "--weights w", 1, "it is text, not weights"},
		"NaN":     {"", nil, "--lr 1000000 --epochs 2", 1, "trainer: the loss became "},
	} {
		dir := insects(t, t.TempDir())
		if m.spoil != nil {
			m.spoil(t, dir)
		}
		old := oldRun(t, dir)
		r := b.run(t, dir, smallArgs("--overwrite "+m.args)...)
		r.check(t, m.code, m.line)
		if n := strings.Count(r.stderr, "out still holds the old run, as it was\n"); n != 1 {
			t.Errorf("%s: says %d times that the old run is there: %s", name, n, r.stderr)
		}
		same(t, filepath.Join(dir, "out"), old)
	}
}

// A training that is interrupted in its first epoch, or killed, keeps the run that it was to replace. The next one in the
// same folder removes its remains and replaces the old run, but no other file.
func testOverwriteKilled(t *testing.T, b built) {
	dir := insects(t, t.TempDir())
	old := oldRun(t, dir)
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
		r, w, err := os.Pipe()
		try(t, err)
		fill(t, w) // so that the training waits when it writes its first line
		cmd := b.command(t.Context(), dir, smallArgs("--overwrite")...)
		errR, err := cmd.StderrPipe()
		try(t, err)
		cmd.Stdout = w
		result := finish(t, cmd, func() error {
			try(t, cmd.Start(), w.Close())
			lines := make([]byte, 1<<12)
			for said := ""; !strings.Contains(said, "keeps the old run"); {
				n, err := errR.Read(lines)
				try(t, err)
				said += string(lines[:n])
			}
			try(t, cmd.Process.Signal(signal))
			io.Copy(io.Discard, errR)
			return cmd.Wait()
		})
		try(t, r.Close())
		if signal == syscall.SIGINT {
			if result.code != 130 {
				t.Errorf("exit code %d, want 130", result.code)
			}
			same(t, filepath.Join(dir, "out"), old)
			continue
		}
		got := contents(t, filepath.Join(dir, "out"))
		for name, data := range old {
			if got[name] != data {
				t.Errorf("killed: %s is not what it was", name)
			}
		}
	}
	b.run(t, dir, smallArgs("--overwrite")...).check(t, 0, "best weights (epoch 0")
	whole(t, filepath.Join(dir, "out"), 2)
	got := contents(t, filepath.Join(dir, "out"))
	for name, data := range got {
		if mine := strings.HasPrefix(name, "/notes") || strings.HasPrefix(name, "/more"); mine != (data == old[name]) {
			t.Errorf("after the next training %s holds %.20q", name, data)
		}
	}
	if got["/more/a.txt"] == "" || got["/notes.txt"] == "" {
		t.Error("other files are gone")
	}
}

// swapped makes pictures that a network always gets wrong: black and white, with swapped classes in validation.
func swapped(t *testing.T, dir string) {
	t.Helper()
	for set, n := range map[string]int{"train": 40, "val": 2} {
		for i, class := range []string{"ants", "bees"} {
			shade := uint8(255 * i)
			if set == "val" {
				shade = 255 - shade
			}
			m := image.NewGray(image.Rect(0, 0, 48, 48))
			draw.Draw(m, m.Bounds(), image.NewUniform(color.Gray{Y: shade}), image.Point{}, draw.Src)
			var b strings.Builder
			try(t, png.Encode(&b, m))
			for k := range n {
				write(t, filepath.Join(dir, "data", set, class, fmt.Sprintf("%d.png", k)), b.String())
			}
		}
	}
}

// If no epoch gets an image right, the training keeps the weights of the last one, and all output says so. The last line is
// that of the notebook.
func testNothingRight(t *testing.T, b built) {
	dir := t.TempDir()
	swapped(t, dir)
	r := b.run(t, dir, smallArgs("--epochs 2 --batch-size 4 --lr 0.001 --seed 3")...)
	const said = "no epoch got a validation image right: out/best.safetensors has the weights of the last one, epoch 1"
	if r.check(t, 0, said); !strings.HasSuffix(r.stdout, "\nBest val Acc: 0.000000\n") {
		t.Errorf("the log ends with %q", r.stdout[max(0, len(r.stdout)-60):])
	}
	out := filepath.Join(dir, "out")
	sd, err := checkpoint.Read(filepath.Join(out, run.BestFile))
	try(t, err)
	result, err := run.ReadResult(out)
	try(t, err)
	if got := fmt.Sprintf("%x", sd.SHA256()); got != result.FinalSHA256 || got != result.BestSHA256 || result.Best.Epoch != 1 || result.Best.N != 4 {
		t.Errorf("the weights are %s, the last ones %s; the best phase %+v", got, result.FinalSHA256, result.Best)
	}
	if sd.Metadata["epoch"] != "1" || sd.Metadata["accuracy"] != "0" || !strings.Contains(sd.Metadata["kept"], "the last epoch's weights") {
		t.Errorf("the metadata are %q", sd.Metadata)
	}
	page, err := os.ReadFile(filepath.Join(out, run.ReportFile))
	if err != nil || !strings.Contains(string(page), "No epoch got a validation image right: best.safetensors holds the weights of the last one, epoch 1.") {
		t.Errorf("the report does not say which weights were kept: %v", err)
	}
	answers, err := run.ReadPredictions(out)
	if err != nil || len(answers) != 4 || answers[0].Label == answers[0].Predicted {
		t.Errorf("the predictions are %+v, error %v", answers, err)
	}
	b.run(t, dir, "predict", "--device", "cpu", "--checkpoint", "out", "data/val/ants/0.png").check(t, 0, "")
}

// If somebody removes or cuts files while a training runs, it writes them again, and says so.
func testChangedFiles(t *testing.T, b built) {
	dir := insects(t, t.TempDir())
	out := filepath.Join(dir, "out")
	tr := start(t, b, dir)
	try(t, os.Truncate(filepath.Join(out, run.BestFile), 1000), os.Remove(filepath.Join(out, run.HistoryFile)), os.Remove(filepath.Join(out, run.ConfigFile)))
	for epochs := 0; epochs < 2 && tr.log.Scan(); {
		if strings.HasPrefix(tr.log.Text(), "Epoch ") {
			epochs++
		}
	}
	try(t, tr.cmd.Process.Signal(syscall.SIGINT))
	go io.Copy(io.Discard, tr.pipe)
	r := tr.end(t)
	if r.code != 130 || !strings.Contains(r.stderr, "another program removed or changed config.json, history.jsonl in out; written again") {
		t.Errorf("exit code %d, %s", r.code, r.stderr)
	}
	whole(t, out, 4)
}
