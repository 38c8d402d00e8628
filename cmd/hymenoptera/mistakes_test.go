package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"hymenoptera/checkpoint"
)

// small has the arguments of the quickest training.
const small = "train --data data --out out --weights none --epochs 1 --image-size 40 --batch-size 2 --workers 1 --threads 1 --device cpu"

// A mistake of a user: it spoils a folder of insects, or adds arguments to those of a small training.
type mistake struct {
	name  string
	spoil func(t *testing.T, dir string)
	args  string // used instead of small's if they begin with a command; otherwise they are added, and override these
	code  int
	line  string // a part of standard error
}

// arguments returns the command line.
func (m mistake) arguments() []string {
	if m.args != "" && !strings.HasPrefix(m.args, "--") || strings.HasPrefix(m.args, "--help") {
		return strings.Fields(m.args)
	}
	return append(strings.Fields(small), strings.Fields(m.args)...)
}

// Every mistake ends with its exit code and one line, and leaves no files behind.
func TestMistakes(t *testing.T) {
	b := build(t)
	for _, group := range [][]mistake{dataMistakes(), weightsMistakes(t), argumentMistakes, outputMistakes(), useMistakes(t)} {
		for _, m := range group {
			t.Run(m.name, func(t *testing.T) {
				t.Parallel()
				dir := insects(t, t.TempDir())
				b := b
				if m.spoil != nil {
					m.spoil(t, dir)
					b = b.restricted(t) // some mistakes spoil permissions
				}
				before := tree(t, dir)
				b.run(t, dir, m.arguments()...).check(t, m.code, m.line)
				unchanged(t, dir, before)
			})
		}
	}
}

// spoilt returns a spoil that writes content to a path.
func spoilt(path, content string) func(*testing.T, string) {
	return func(t *testing.T, dir string) { write(t, filepath.Join(dir, path), content) }
}

// removed returns a spoil that removes paths.
func removed(paths ...string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		for _, p := range paths {
			try(t, os.RemoveAll(filepath.Join(dir, p)))
		}
	}
}

func dataMistakes() []mistake {
	victim := "data/train/bees/001.jpg"
	class := "data/train/bees/001.jpg (class bees, sample 3): "
	cut := func(n int) func(*testing.T, string) {
		return func(t *testing.T, dir string) { try(t, os.Truncate(filepath.Join(dir, victim), int64(n))) }
	}
	link := func(target string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			try(t, os.Remove(filepath.Join(dir, victim)), os.Symlink(target, filepath.Join(dir, victim)))
		}
	}
	return []mistake{
		{"no such folder", nil, "--data dta", 1, "no folder dta: found data/ in ."},
		{"data is a file", nil, "--data data/val/ants/000.jpg", 1, "data/val/ants/000.jpg"},
		{"no train", removed("data/train"), "", 1, "data has no folder train: want train and val, found val/"},
		{"no val", removed("data/val"), "", 1, "data has no folder val: want train and val, found train/; or add --val-fraction 0.2"},
		{"a class of one picture to divide", removed("data/val", "data/train/bees/000.jpg"), "--val-fraction 0.5", 1, "class bees: 1 pictures cannot be divided"},
		{"out among classes", removed("data/val"), "--val-fraction 0.5 --data data/train --out data/train/run", 2, "lies among the images in"},
		{"a list that is not there", nil, "--exclude list", 1, "--exclude list: no such file"},
		{"a list that is a folder", nil, "--exclude data", 2, "--exclude data: it is a folder: want a file"},
		{"a list that is a pipe", piped, "--exclude w", 1, "--exclude w: not a regular file"},
		{"a list of other pictures", spoilt("list", "train/ants/000.jpg\ntrain/wasps/1.jpg\n"), "--exclude list", 1, "--exclude list: line 2: data has no file train/wasps/1.jpg"},
		{"a list of a whole class", spoilt("list", "val/ants/000.jpg\n"), "--exclude list", 1, "class ants: all pictures in data/val are left out"},
		{"neither", nil, "--data data/train", 1, "data/train has no folder train: want train and val, found ants/, bees/"},
		{"val is a file", func(t *testing.T, dir string) {
			try(t, os.RemoveAll(filepath.Join(dir, "data/val")))
			write(t, filepath.Join(dir, "data/val"), "")
		}, "", 1, "data/val is a file: want a folder"},
		{"val is a link to nothing", func(t *testing.T, dir string) {
			try(t, os.RemoveAll(filepath.Join(dir, "data/val")), os.Symlink("nowhere", filepath.Join(dir, "data/val")))
		}, "", 1, "data/val is a link to a file that does not exist"},
		{"no class", removed("data/val/ants", "data/val/bees"), "", 1, "data/val has no class folders: want one folder of pictures a class, found nothing"},
		{"class without images", removed("data/val/ants/000.jpg"), "", 1, "class ants: no pictures in data/val/ants"},
		{"class with other files", func(t *testing.T, dir string) {
			try(t, os.Rename(filepath.Join(dir, "data/val/ants/000.jpg"), filepath.Join(dir, "data/val/ants/000.heic")))
		}, "", 1, "want files that end in .jpg .jpeg .png .ppm .bmp .pgm .tif .tiff .webp, found 000.heic"},
		{"class in train alone", func(t *testing.T, dir string) {
			copyFile(t, "testdata/insects/train/ants/000.jpg", filepath.Join(dir, "data/train/wasps/0.jpg"))
		}, "", 1, "only train has wasps, only val has nothing"},
		{"corrupt", spoilt(victim, "\xff\xd8\xff nothing that follows is a picture"), "", 1, class},
		{"truncated", cut(700), "", 1, class + "jpeg: the file is truncated; mend it, remove it, or add --skip-corrupt"},
		{"zero bytes", cut(0), "", 1, class + "the file is empty"},
		{"text", spoilt(victim, "hello"), "", 1, class + "not an image of a known format"},
		{"name with a newline", spoilt("data/train/bees/new\nline \u00fc.jpg", ""), "", 1, `data/train/bees/new\nline ü.jpg (class bees, sample 4)`},
		{"name that steers terminals", spoilt("data/train/bees/\x1b[2J\xff.jpg", ""), "", 1, `bees/\x1b[2J\xff.jpg`},
		{"no permission", func(t *testing.T, dir string) { try(t, os.Chmod(filepath.Join(dir, victim), 0)) }, "", 1, class + "cannot open it: permission denied"},
		{"folder without permission", func(t *testing.T, dir string) {
			path := filepath.Join(dir, "data/train/bees")
			try(t, os.Chmod(path, 0))
			t.Cleanup(func() { os.Chmod(path, 0o777) })
		}, "", 1, "data/train/bees: permission denied"},
		{"link to nothing", link("nowhere"), "", 1, class + "cannot open it: no such file"},
		{"link to itself", link("001.jpg"), "", 1, class + "cannot open it: too many levels of symbolic links"},
		{"loop of folders", func(t *testing.T, dir string) {
			try(t, os.Symlink("..", filepath.Join(dir, "data/train/bees/again")))
		}, "", 1, "is a link to a folder that it lies in"},
		{"pipe", func(t *testing.T, dir string) {
			try(t, os.Remove(filepath.Join(dir, victim)), syscall.Mkfifo(filepath.Join(dir, victim), 0o666))
		}, "", 1, class + "cannot read it: not a regular file"},
		{"thousands of scans", func(t *testing.T, dir string) { write(t, filepath.Join(dir, victim), manyScans(t)) }, "", 1, class + "jpeg: more than 500 scans"},
		{"skipped to the last", spoilt("data/val/ants/000.jpg", ""), "--skip-corrupt", 1, "class ants: none of the pictures in data/val can be decoded"},
		{"100,000 files, and another mistake", func(t *testing.T, dir string) {
			for i := range 100_000 {
				f, err := os.Create(filepath.Join(dir, fmt.Sprintf("data/train/ants/%d.jpg", i)))
				if err != nil {
					t.Fatal(err)
				}
				f.Close()
			}
		}, "--class-weights 1,2,3", 1, "--class-weights [1 2 3]: data has 2 classes"},
	}
}

// weightsMistakes are files that are not weights, or are the wrong ones. They lie beside data as w.
func weightsMistakes(t *testing.T) []mistake {
	t.Helper()
	checkpointFile := func(name string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			copyFile(t, "../../checkpoint/testdata/"+name, filepath.Join(dir, "w"))
		}
	}
	other := filepath.Join(t.TempDir(), "other.safetensors")
	try(t, checkpoint.WriteSafetensors(other, &checkpoint.StateDict{Tensors: []checkpoint.Tensor{
		{Name: "features.0.weight", DType: checkpoint.Float32, Shape: []int64{1}, Data: make([]byte, 4)}}}))
	const w = "--weights w"
	return []mistake{
		{"weights missing", nil, w, 1, "--weights: no file w: want a file, a published name (IMAGENET1K_V1), or none"},
		{"weights in small letters", nil, "--weights imagenet1k_v1", 2, "the name of the published weights is IMAGENET1K_V1"},
		{"weights a folder", nil, "--weights data", 1, "it is a folder: name the file of weights in it"},
		{"weights empty", spoilt("w", ""), w, 1, "w: it is empty"},
		{"weights truncated", func(t *testing.T, dir string) {
			checkpointFile("parameters.pth")(t, dir)
			try(t, os.Truncate(filepath.Join(dir, "w"), 900))
		}, w, 1, "checkpoint: read w: "},
		{"weights a web page", spoilt("w", "<!DOCTYPE html>\n<html><body>404</body></html>\n"), w, 1, "it is a web page saved under the name of a file of weights"},
		{"weights a whole model", checkpointFile("refused-model.pth"), w, 1, "state_dict()"},
		{"weights of another model", func(t *testing.T, dir string) { copyFile(t, other, filepath.Join(dir, "w")) }, w, 1,
			"w: not the weights of resnet18: the weights are another model's: 100 missing keys"},
		{"weights an image", nil, "--weights data/val/ants/000.jpg", 1, "it is a JPEG image, not weights"},
		{"weights without permission", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "w"), "x")
			try(t, os.Chmod(filepath.Join(dir, "w"), 0))
		}, w, 1, "checkpoint: read w: permission denied"},
	}
}
