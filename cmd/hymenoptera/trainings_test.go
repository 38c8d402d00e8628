package main

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hymenoptera/checkpoint"
	"hymenoptera/metrics"
	"hymenoptera/run"
)

// TestTrainings runs trainings that fail at some point, or succeed in spite of odd data.
func TestTrainings(t *testing.T) {
	b := build(t)
	for name, f := range map[string]func(*testing.T, built){
		"interrupts": testInterrupts, "second interrupt": testSecondInterrupt, "unread output": testUnreadOutput, "nohup": testNohup, "thread limit": testThreadLimit,
		"overwrite": testOverwrite, "overwrite killed": testOverwriteKilled, "nothing right": testNothingRight, "changed files": testChangedFiles,
		"head": testHead, "head of an epoch": testHeadOfEpoch, "full output": testFullOutput,
		"file limit": testFileLimit, "full disk": testFullDisk, "vanished folder": testVanished, "NaN": testNaN,
		"one answer": testOneAnswer, "foreign libraries": testForeignLibraries, "formats": testFormats, "skip": testSkip, "large pictures": testLargePictures,
		"resume killed": testResumeKilled, "resume signals": testResumeSignals, "several processes": testGroup,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, b)
		})
	}
}

// smallArgs returns the arguments of a small training and more arguments.
func smallArgs(more string) []string { return append(strings.Fields(small), strings.Fields(more)...) }

// A training is a running training.
type training struct {
	cmd    *exec.Cmd
	log    *bufio.Scanner // standard output
	stderr *strings.Builder
	pipe   *os.File
}

// start starts a training of many epochs and waits until two have ended.
func start(t *testing.T, b built, dir string) *training {
	t.Helper()
	r, w, err := os.Pipe()
	try(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	tr := &training{cmd: b.command(ctx, dir, smallArgs("--epochs 100000 --lr 1e-5")...), log: bufio.NewScanner(r), stderr: &strings.Builder{}, pipe: r}
	tr.cmd.Stdout, tr.cmd.Stderr = w, tr.stderr
	try(t, tr.cmd.Start(), w.Close())
	for tr.log.Scan() && !strings.HasPrefix(tr.log.Text(), "Epoch 2/") {
	}
	return tr
}

// end waits for the training to end.
func (tr *training) end(t *testing.T) result {
	t.Helper()
	defer tr.pipe.Close()
	r := finish(t, tr.cmd, tr.cmd.Wait)
	r.stderr = tr.stderr.String()
	return r
}

// whole fails unless a run's folder holds the files of a stopped training, and none is half-written.
func whole(t *testing.T, dir string, phases int) {
	t.Helper()
	history, err := run.ReadHistory(dir)
	if err != nil || len(history) < phases {
		t.Errorf("%d phases, want %d or more; error %v", len(history), phases, err)
	}
	best := metrics.Phase{}
	for _, p := range history {
		if p.Name == "val" && p.Acc > best.Acc {
			best = p
		}
	}
	if sd, err := checkpoint.Read(filepath.Join(dir, run.BestFile)); err != nil || sd.Metadata["epoch"] != strconv.Itoa(best.Epoch) {
		t.Errorf("the best weights, which are those of epoch %d: %v", best.Epoch, err)
	}
	answers, err := run.ReadPredictions(dir)
	right := 0
	for _, a := range answers {
		if a.Label == a.Predicted {
			right++
		}
	}
	if err != nil || len(answers) != best.N || right != best.Corrects {
		t.Errorf("%d of %d predictions are right, want %d of %d: %v", right, len(answers), best.Corrects, best.N, err)
	}
	for _, name := range []string{run.ConfigFile, run.PredictionsFile} {
		var v any
		if data, err := os.ReadFile(filepath.Join(dir, name)); err != nil || json.Unmarshal(data, &v) != nil {
			t.Errorf("%s: %v, %q", name, err, data)
		}
	}
	entries, err := os.ReadDir(dir)
	try(t, err)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			t.Errorf("half a file: %s", e.Name())
		}
	}
	page, err := os.ReadFile(filepath.Join(dir, run.ReportFile))
	if err != nil || !strings.Contains(string(page), "</html>") {
		t.Errorf("the report: %v", err)
	}
}

// The learning rate grows a thousandfold every epoch.
func testNaN(t *testing.T, b built) {
	dir := insects(t, t.TempDir())
	r := b.run(t, dir, smallArgs("--epochs 20 --lr 0.001 --step-size 1 --gamma 1000")...)
	r.check(t, 1, "trainer: the loss became ")
	if !strings.Contains(r.stderr, "at learning rate ") || !strings.Contains(r.stderr, "; a lower --lr may help\n") || !strings.Contains(r.stderr, "data/train/") && !strings.Contains(r.stderr, "data/val/") {
		t.Errorf("no rate or no files: %s", r.stderr)
	}
	whole(t, filepath.Join(dir, "out"), 2)
}

// Pictures that are all the same get the same answer.
func testOneAnswer(t *testing.T, b built) {
	dir := t.TempDir()
	for _, name := range []string{"train/ants/0.jpg", "train/bees/0.jpg", "val/ants/0.jpg", "val/bees/0.jpg"} {
		copyFile(t, "testdata/insects/train/ants/000.jpg", filepath.Join(dir, "data", name))
	}
	b.run(t, dir, smallArgs("--epochs 5 --lr 1e-6")...).check(t, 0, "hint: for 3 epochs every validation image was taken for ")
}

// Every way in which a picture can be stored, and names of every kind.
func testFormats(t *testing.T, b built) {
	dir := insects(t, t.TempDir())
	for i, name := range []string{"grey.jpg", "cmyk.jpg", "ycck.jpg", "palette.png", "rgba.png", "rgb16.png", "grey16.png", "bilevel.tif", "lossy-alpha.webp", "not-what-it-says.jpg"} {
		to := []string{"with spaces " + name, "ünï\u200dcödé " + name, "new\nline " + name, "-" + name}[i%4]
		copyFile(t, "../../dataset/testdata/images/"+name, filepath.Join(dir, "data/train/ants", to))
	}
	copyFile(t, "../../dataset/testdata/images/rgb.png", filepath.Join(dir, "data/train/bees/png by content.jpg"))
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	copyFile(t, "testdata/insects/val/bees/001.jpg", filepath.Join(elsewhere, "linked.jpg"))
	try(t, os.Symlink(elsewhere, filepath.Join(dir, "data/train/bees/link")))
	r := b.run(t, dir, smallArgs("--verbose")...)
	r.check(t, 0, "data: 16 images to train with in 8 steps per epoch, 2 to validate with")

	// The weights that came out are those of two classes; they begin a training with three.
	copyFile(t, "testdata/insects/val/bees/001.jpg", filepath.Join(dir, "data/train/wasps/0.jpg"))
	copyFile(t, "testdata/insects/val/bees/002.jpg", filepath.Join(dir, "data/val/wasps/0.jpg"))
	b.run(t, dir, smallArgs("--out three --freeze --weights out/best.safetensors")...).check(t, 0, "best weights (epoch 0")
}

func testSkip(t *testing.T, b built) {
	dir := insects(t, t.TempDir())
	for _, name := range []string{"a", "b", "c", "d"} {
		write(t, filepath.Join(dir, "data/train/ants/"+name+".png"), "no picture")
	}
	r := b.run(t, dir, smallArgs("--skip-corrupt --log-format json")...)
	r.check(t, 0, "left out 4 of 10 images: train/ants/a.png (not an image of a known format")
	for line := range strings.Lines(r.stderr + r.stdout) {
		if !json.Valid([]byte(line)) {
			t.Errorf("no JSON: %s", line)
		}
	}
	var config struct {
		Skipped []string `json:"skipped_images"`
	}
	if err := run.ReadConfig(filepath.Join(dir, "out"), &config); err != nil || len(config.Skipped) != 4 {
		t.Errorf("config.json has %q, error %v", config.Skipped, err)
	}
	page, err := os.ReadFile(filepath.Join(dir, "out", run.ReportFile))
	if err != nil || !strings.Contains(string(page), "train/ants/d.png (not an image") {
		t.Errorf("the report does not tell of the images left out: %v", err)
	}
	quiet := b.run(t, dir, smallArgs("--overwrite --skip-corrupt -q")...)
	if quiet.check(t, 0, "warning: left out 4"); strings.Count(quiet.stderr, "\n") != strings.Count(quiet.stderr, "warning: ") || quiet.stdout != "" {
		t.Errorf("--quiet prints %q and %q", quiet.stdout, quiet.stderr)
	}
}

// Pillow's two limits: at the first a warning, once; at the second an error.
func testLargePictures(t *testing.T, b built) {
	dir := insects(t, t.TempDir())
	large := whitePNG(t, 9500, 9500, true)
	write(t, filepath.Join(dir, "data/train/ants/large.png"), large)
	write(t, filepath.Join(dir, "data/train/bees/large.png"), large)
	r := b.run(t, dir, smallArgs("")...)
	r.check(t, 0, "large.png has more than 89478485 pixels: it may be a decompression bomb")
	if n := strings.Count(r.stderr, "decompression bomb"); n != 1 {
		t.Errorf("%d warnings about the size, want one", n)
	}
	write(t, filepath.Join(dir, "data/train/bees/large.png"), whitePNG(t, 40000, 40000, false))
	try(t, os.Remove(filepath.Join(dir, "data/train/ants/large.png")))
	r = b.run(t, dir, smallArgs("--overwrite --out bomb")...)
	r.check(t, 1, "large.png (class bees, sample 4): png: 40000×40000 pixels: more than 178956970 may be a decompression bomb")
}

// Another libtorch first in LD_LIBRARY_PATH is not loaded, because the program's RPATH comes first.
func testForeignLibraries(t *testing.T, b built) {
	dir := t.TempDir()
	for _, name := range []string{"libtorch_cpu.so", "libc10.so", "libhymenoptera_gotch.so"} {
		write(t, filepath.Join(dir, name), "no library")
	}
	b.env = append(slices.Clone(b.env), "LD_LIBRARY_PATH="+dir)
	if r := b.run(t, dir, "--version"); r.code != 0 || !strings.Contains(r.stdout, "2.11.0") {
		t.Errorf("exit code %d, %s%s", r.code, r.stdout, r.stderr)
	}
}
