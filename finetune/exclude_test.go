package finetune_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hymenoptera/finetune"
	"hymenoptera/internal/synth"
	"hymenoptera/run"
)

// list writes a list of images to leave out, and returns its name.
func list(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "exclude.txt")
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// A training with a list of images to leave out equals one on a folder without them, and so does a resumed one.
func TestExclude(t *testing.T) {
	o := small(t)
	if err := synth.Write(o.Data, synth.Config{Train: 4, Val: 2, MinSide: 40, MaxSide: 60}); err != nil {
		t.Fatal(err)
	}
	o.Exclude = list(t, "# a comment\ntrain/ants/001.jpg\n\"val/bees/000.jpg\"\n")
	listed, err := finetune.Train(t.Context(), o, finetune.Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := finetune.ReadCheckpoint(o.Out)
	if err != nil {
		t.Fatal(err)
	}
	if !filepath.IsAbs(c.Options.Exclude) {
		t.Errorf("the checkpoint names the list %s", c.Options.Exclude)
	}
	more := c.Options
	more.Epochs, more.Exclude = 3, list(t, "train/ants/001.jpg\n")
	changed := &finetune.ChangedError{}
	if _, err := finetune.Resume(t.Context(), c, more, finetune.Hooks{}); !errors.As(err, &changed) || changed.File != "val/bees/000.jpg" || changed.How != "is new" {
		t.Errorf("resumed with another list: got %v", err)
	}
	for _, name := range []string{"train/ants/001.jpg", "val/bees/000.jpg"} {
		if err := os.Remove(filepath.Join(o.Data, name)); err != nil {
			t.Fatal(err)
		}
	}
	o.Exclude, o.Out = "", o.Out+"-removed"
	removed, err := finetune.Train(t.Context(), o, finetune.Hooks{})
	if err != nil || listed.FinalSHA256 != removed.FinalSHA256 || listed.FinalSHA256 == "" {
		t.Errorf("got %s, want %s, %v", listed.FinalSHA256, removed.FinalSHA256, err)
	}
}

func TestExcludeNamesTheLine(t *testing.T) {
	o := small(t)
	for content, want := range map[string]string{
		"train/ants/000.jpg\ntrain/ants/9.jpg\n": "line 2: " + o.Data + " has no file train/ants/9.jpg",
		"\"train/ants\n":                         "line 1: the quoted name has no end",
		"../images/train/ants/000.jpg\n":         "line 1: ",
	} {
		o.Exclude = list(t, content)
		wrong := &finetune.OptionError{}
		if _, err := finetune.Train(t.Context(), o, finetune.Hooks{}); !errors.As(err, &wrong) || wrong.Option != "exclude" || !strings.Contains(wrong.Problem, want) {
			t.Errorf("%q: got %v, want %s", content, err, want)
		}
	}
	o.Exclude = "nowhere"
	if _, err := finetune.Train(t.Context(), o, finetune.Hooks{}); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("no list: got %v", err)
	}
}

// ValFraction does not divide copies.
func TestValFractionKeepsCopiesTogether(t *testing.T) {
	o := small(t)
	picture, err := os.ReadFile(filepath.Join(o.Data, "train/ants/000.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	o.Data = filepath.Join(o.Data, "train")
	for _, name := range []string{"a.jpg", "b.jpg", "c.jpg"} {
		if err := os.WriteFile(filepath.Join(o.Data, "ants", name), picture, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	o.ValFraction, o.Epochs = 0.4, 1
	var log bytes.Buffer
	if _, err := finetune.Train(t.Context(), o, finetune.Hooks{Log: slog.New(slog.NewTextHandler(&log, nil))}); err != nil {
		t.Fatal(err)
	}
	if want := "4 of them are copies of others or belong to a burst"; !strings.Contains(log.String(), want) {
		t.Errorf("got %s, want %s", log.String(), want)
	}
	var config run.Setup
	if err := run.ReadConfig(o.Out, &config); err != nil || config.TrainImages != 5 || config.ValImages != 2 { // all except 001.jpg, and one bee
		t.Errorf("%d and %d images, %v", config.TrainImages, config.ValImages, err)
	}
	if strings.Contains(log.String(), "on both sides, and") {
		t.Errorf("got %s", log.String())
	}

	// A class that has only copies is divided nevertheless, with a warning.
	if err := os.Remove(filepath.Join(o.Data, "ants/001.jpg")); err != nil {
		t.Fatal(err)
	}
	o.Overwrite = true
	if _, err := finetune.Train(t.Context(), o, finetune.Hooks{Log: slog.New(slog.NewTextHandler(&log, nil))}); err != nil {
		t.Fatal(err)
	}
	if want := "class ants has too few images that are no copies of each other: some copies lie on both sides"; !strings.Contains(log.String(), want) {
		t.Errorf("got %s, want %s", log.String(), want)
	}
}
