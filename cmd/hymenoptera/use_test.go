package main

import (
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"hymenoptera/checkpoint"
	"hymenoptera/internal/untrained"
	"hymenoptera/metrics"
	"hymenoptera/run"
)

// trainedRun trains briefly and returns the run's folder.
func trainedRun(t *testing.T, options ...string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "run")
	args := []string{"train", "--data", "testdata/insects", "--weights", "none", "--epochs", "1", "--image-size", "48", "--device", "cpu", "--out", out}
	if code, _, stderr := command(t, append(args, options...)...); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	return out
}

// eval counts what the training counted for the epoch of the best weights. Its loss equals the training's except for the
// order of the images, also with an unusual criterion. The network is right about some images.
func TestEvalIsWhatTrainingLogged(t *testing.T) {
	for name, options := range map[string][]string{
		"resnet18":  {"--lr", "0.01", "--epochs", "3"},
		"criterion": {"--label-smoothing", "0.1", "--class-weights", "1,3"},
		"googlenet": {"--model", "googlenet"},
		"split":     {"--data", "testdata/insects/train", "--val-fraction", "0.3", "--balance", "weights", "--classes", "bees,ants"},
	} {
		t.Run(name, func(t *testing.T) {
			out := trainedRun(t, options...)
			result, err := run.ReadResult(out)
			try(t, err)
			want := result.Best
			code, stdout, stderr := command(t, "eval", "--checkpoint", filepath.Join(out, "best.safetensors"), "--json", "--device", "cpu")
			var got evaluation
			if err := json.Unmarshal([]byte(stdout), &got); code != 0 || err != nil {
				t.Fatalf("exit code %d, %v: %s%s", code, err, stdout, stderr)
			}
			if got.Corrects != want.Corrects || got.N != want.N || got.Corrects == 0 || math.Abs(got.Loss-want.Loss) > 1e-6*want.Loss {
				t.Errorf("got %d of %d and loss %v, training had %d of %d and %v", got.Corrects, got.N, got.Loss, want.Corrects, want.N, want.Loss)
			}
			right := 0
			for i, c := range got.Classes {
				right += got.Confusion[i][i]
				if c.Support != want.N/2 || c.Recall != float64(got.Confusion[i][i])/float64(c.Support) {
					t.Errorf("class %s: %+v, confusion %v", c.Name, c, got.Confusion)
				}
			}
			if right != want.Corrects {
				t.Errorf("%d on the diagonal of %v, want %d", right, got.Confusion, want.Corrects)
			}
		})
	}
}

// eval finds the training's folder from any working directory and under any name. In a set that the training split, it
// never uses the pictures that it trained with.
func TestEvalKnowsTheTrainingsFolder(t *testing.T) {
	data, err := filepath.Abs("testdata/insects/train")
	try(t, err)
	out := trainedRun(t, "--data", "testdata/insects/train", "--val-fraction", "0.3")
	result, err := run.ReadResult(out)
	try(t, err)
	file := filepath.Join(out, "best.safetensors")
	link := filepath.Join(t.TempDir(), "link")
	try(t, os.Symlink(data, link))
	for name, options := range map[string][]string{"unnamed": nil, "absolute": {"--data", data}, "link": {"--data", link}} {
		cmd := build(t).command(t.Context(), t.TempDir(), append([]string{"eval", "--json", "--device", "cpu", "--checkpoint", file}, options...)...)
		r := finish(t, cmd, cmd.Run)
		var got evaluation
		if err := json.Unmarshal([]byte(r.stdout), &got); err != nil || r.code != 0 || got.N != result.Best.N {
			t.Errorf("%s: exit code %d, %v, %d images, want %d: %s%s", name, r.code, err, got.N, result.Best.N, r.stdout, r.stderr)
		}
	}
	code, stdout, stderr := command(t, "eval", "--json", "--device", "cpu", "--checkpoint", file, "--data", "testdata/insects/val", "--classes", "bees")
	var bees evaluation
	if err := json.Unmarshal([]byte(stdout), &bees); err != nil || code != 0 || bees.N == 0 || bees.Classes[0].Support != 0 || bees.Classes[1].Support != bees.N {
		t.Errorf("bees alone: exit code %d, %v: %s%s", code, err, stdout, stderr)
	}
	given := filepath.Join(t.TempDir(), "best.safetensors") // a copy given to somebody else
	copyFile(t, file, given)
	code, _, stderr = command(t, "eval", "--device", "cpu", "--checkpoint", given)
	if code != 1 || !strings.Contains(stderr, "no config.json beside "+given+" says which pictures the network was trained with: name a folder of pictures with --data") {
		t.Errorf("without config.json: exit code %d, %s", code, stderr)
	}
	another := filepath.Join(t.TempDir(), "copy")
	try(t, os.CopyFS(another, os.DirFS(data)))
	code, _, stderr = command(t, "eval", "--device", "cpu", "--checkpoint", file, "--data", another)
	if code != 0 || !strings.Contains(stderr, "most of its pictures were trained with") {
		t.Errorf("a copy: exit code %d, %s", code, stderr)
	}
}

// predict names folders that it cannot list, and continues.
func TestPredictGoesOn(t *testing.T) {
	file := filepath.Join(trainedRun(t), "best.safetensors")
	dir := t.TempDir()
	try(t, os.MkdirAll(filepath.Join(dir, "a", "empty"), 0o777))
	try(t, os.Symlink(dir, filepath.Join(dir, "a", "loop")))
	copyFile(t, "testdata/insects/val/bees/000.jpg", filepath.Join(dir, "b.jpg"))
	code, stdout, stderr := command(t, "predict", "--checkpoint", file, "--device", "cpu", "--json", filepath.Join(dir, "a", "empty"), dir, "testdata/insects/val/ants/000.jpg")
	if n := strings.Count(stdout, "\n"); code != 1 || n != 2 {
		t.Errorf("exit code %d, %d lines, want 2: %s", code, n, stdout)
	}
	for _, want := range []string{"no pictures in ", "loop is a link to a folder that it lies in", "2 folders could not be listed, or had no pictures"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("%q is not in %s", want, stderr)
		}
	}
	cmd := build(t).command(t.Context(), ".", "predict", "--checkpoint", file, "--device", "cpu", "-")
	in, err := cmd.StdinPipe()
	try(t, err)
	defer in.Close()
	r := finish(t, cmd, func() error {
		if err := cmd.Start(); err != nil {
			return err
		}
		in.Write(make([]byte, 1<<20)) // more than a pipe holds: predict is reading it, and waits for more
		cmd.Process.Signal(os.Interrupt)
		return cmd.Wait()
	})
	if r.code != 130 {
		t.Errorf("Ctrl-C while standard input is awaited: exit code %d, %s", r.code, r.stderr)
	}
}

// export replaces only files, and never the one that it reads.
func TestExportReplacesNothingElse(t *testing.T) {
	file := filepath.Join(trainedRun(t), "best.safetensors")
	link := filepath.Join(t.TempDir(), "link")
	try(t, os.Symlink(file, link))
	for out, want := range map[string]string{file: "is the checkpoint itself", link: "is not a regular file"} {
		code, _, stderr := command(t, "export", "--overwrite", "--format", "safetensors", "--checkpoint", file, "--out", out)
		if code != 1 || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit code %d, %s, want %q", out, code, stderr, want)
		}
	}
	out := filepath.Join(t.TempDir(), "model.safetensors")
	code, stdout, stderr := command(t, "export", "--checkpoint", file, "--out", out)
	if code != 0 || !strings.HasPrefix(stdout, "import sys\nimport safetensors.torch\n") {
		t.Errorf("exit code %d, %s%s", code, stdout, stderr)
	}
	if _, err := checkpoint.Read(out); err != nil {
		t.Error(err)
	}
	if head, err := os.ReadFile(out); err != nil || strings.HasPrefix(string(head[:2]), "PK") {
		t.Errorf("%v, or a zip by the name of a safetensors file", err)
	}
}

// predict gives the same answers for the same pictures in its three forms, on standard input too. It names what it
// cannot read, and continues.
func TestPredict(t *testing.T) {
	file := filepath.Join(trainedRun(t), "best.safetensors")
	bad := filepath.Join(t.TempDir(), "bad.jpg")
	write(t, bad, "hello")
	ants, bee := "testdata/insects/val/ants", "testdata/insects/val/bees/000.jpg"

	code, stdout, stderr := command(t, "predict", "--checkpoint", file, "--device", "cpu", "--json", "--batch-size", "4", ants, bad, bee)
	if code != 1 || !strings.Contains(stderr, "bad.jpg: not an image") || !strings.Contains(stderr, "1 of 15 pictures could not be read") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
	type line struct {
		File   string
		Top    []classProbability
		Logits []float64
	}
	var lines []line
	for d := json.NewDecoder(strings.NewReader(stdout)); d.More(); {
		var l line
		try(t, d.Decode(&l))
		lines = append(lines, l)
	}
	if len(lines) != 14 || lines[0].File != ants+"/000.jpg" || lines[13].File != bee {
		t.Fatalf("%d lines: %s", len(lines), stdout)
	}
	for _, l := range lines {
		i := slices.Index([]string{"ants", "bees"}, l.Top[0].Class)
		want := 1 / (1 + math.Exp(l.Logits[1-i]-l.Logits[i]))
		if got := float64(l.Top[0].Probability); math.Abs(got-want) > 1e-6 || len(l.Top) != 2 {
			t.Errorf("%s: %s with %v, want %v; %d classes", l.File, l.Top[0].Class, got, want, len(l.Top))
		}
	}

	code, stdout, _ = command(t, "predict", "--checkpoint", file, "--device", "cpu", "--csv", "--top", "1", "--batch-size", "4", ants, bee)
	rows, err := csv.NewReader(strings.NewReader(stdout)).ReadAll()
	if code != 0 || err != nil || len(rows) != 15 || fmt.Sprint(rows[0]) != "[file class_1 probability_1]" {
		t.Fatalf("exit code %d, %v: %s", code, err, stdout)
	}
	_, table, _ := command(t, "predict", "--checkpoint", file, "--device", "cpu", "--top", "1", "--batch-size", "4", ants, bee)
	printed := strings.Split(table, "\n")
	for i, l := range lines {
		top := l.Top[0]
		if want := []string{l.File, top.Class, fmt.Sprint(top.Probability)}; !slices.Equal(rows[i+1], want) {
			t.Errorf("got the row %q, want %q", rows[i+1], want)
		}
		if want := fmt.Sprintf("%s %6.2f %%   %s", top.Class, 100*top.Probability, l.File); printed[i] != want {
			t.Errorf("got the line %q, want %q", printed[i], want)
		}
	}

	stdin, err := os.Open(bee)
	try(t, err)
	defer stdin.Close()
	cmd := build(t).command(t.Context(), ".", "predict", "--checkpoint", file, "--device", "cpu", "--json", "-")
	cmd.Stdin = stdin
	r := finish(t, cmd, cmd.Run)
	var l line
	if err := json.Unmarshal([]byte(r.stdout), &l); err != nil || r.code != 0 || l.File != "-" {
		t.Fatalf("exit code %d, %v: %s%s", r.code, err, r.stdout, r.stderr)
	}
}

// An exported file has the weights of the best epoch and no code for PyTorch to run, and a training can start from it.
func TestExport(t *testing.T) {
	file := filepath.Join(trainedRun(t), "best.safetensors")
	want, err := checkpoint.Inspect(file)
	try(t, err)
	for _, format := range []string{"pth", "safetensors"} {
		out := filepath.Join(t.TempDir(), "model."+format)
		code, stdout, stderr := command(t, "export", "--checkpoint", file, "--format", format, "--out", out)
		if code != 0 {
			t.Fatalf("%s: exit code %d, %s%s", format, code, stdout, stderr)
		}
		for _, want := range []string{"resnet18(num_classes=2)", strconv.Quote(out), `classes = ["ants", "bees"]`, "transforms.Resize(54, interpolation=transforms.InterpolationMode.BILINEAR)",
			"transforms.CenterCrop(48)", "transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])"} {
			if !strings.Contains(stdout, want) {
				t.Errorf("%s: the program lacks %s:\n%s", format, want, stdout)
			}
		}
		got, err := checkpoint.Inspect(out)
		try(t, err)
		if !slices.EqualFunc(got.Tensors, want.Tensors, func(a, b checkpoint.TensorReport) bool { return a.Name == b.Name && a.SHA256 == b.SHA256 }) {
			t.Errorf("%s: other tensors", format)
		}
		if code, _, stderr := command(t, "export", "--checkpoint", file, "--out", out); code != 1 || !strings.Contains(stderr, "is there already") {
			t.Errorf("a file that is there: exit code %d, %s", code, stderr)
		}
		trainedRun(t, "--weights", out, "--freeze")
	}
}

// An ONNX file is the one that package onnx writes, with a Python program for the input that needs no preparation.
func TestExportONNX(t *testing.T) {
	file := filepath.Join(trainedRun(t), "best.safetensors")
	for input, program := range map[string]string{"picture": `session.run(["probabilities"], {"picture": picture})`, "tensor": ""} {
		out := filepath.Join(t.TempDir(), "model.onnx")
		code, stdout, stderr := command(t, "export", "--checkpoint", file, "--out", out, "--input", input)
		if code != 0 || !strings.Contains(stdout, program) || program == "" && stdout != "" {
			t.Fatalf("exit code %d, %s%s", code, stdout, stderr)
		}
		written, err := os.ReadFile(out)
		try(t, err)
		for _, want := range []string{"layer4.1.conv2.weight", "hymenoptera", input, `["ants","bees"]`, `"crop":48`} {
			if !bytes.Contains(written, []byte(want)) {
				t.Errorf("%s: the file lacks %s", input, want)
			}
		}
		if code, _, stderr := command(t, "export", "--checkpoint", file, "--out", out); code != 1 || !strings.Contains(stderr, "is there already") {
			t.Errorf("a file that is there: exit code %d, %s", code, stderr)
		}
	}
}

// useMistakes are wrong uses of a trained network, which lies beside data as best.safetensors.
func useMistakes(t *testing.T) []mistake {
	t.Helper()
	trained := filepath.Join(trainedRun(t), "best.safetensors")
	with := func(spoil func(t *testing.T, dir string)) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			copyFile(t, trained, filepath.Join(dir, "best.safetensors"))
			if spoil != nil {
				spoil(t, dir)
			}
		}
	}
	notFinite := func(t *testing.T, dir string) {
		t.Helper()
		try(t, untrained.Write(filepath.Join(dir, "best.safetensors"), 1, func(sd *checkpoint.StateDict) {
			w, _ := sd.Get("conv1.weight")
			for i := range len(w.Data) / 4 {
				binary.LittleEndian.PutUint32(w.Data[4*i:], math.Float32bits(3e38))
			}
		}))
	}
	const c = " --device cpu --checkpoint best.safetensors "
	return []mistake{
		{"eval without checkpoint", nil, "eval --data data", 2, "--checkpoint is missing: name the folder of a run, as runs/demo, or its best.safetensors"},
		{"eval of no file", nil, "eval --device cpu --data data --checkpoint best.safetensors", 1, "checkpoint: read best.safetensors: no such file"},
		{"eval of a folder without weights", nil, "eval --device cpu --checkpoint data", 1, "data holds no best.safetensors: name the folder of a run, or a file"},
		{"inspect a folder without weights", nil, "inspect data", 1, "data holds no best.safetensors"},
		{"export of a folder without weights", nil, "export --checkpoint data --out w.pth", 1, "data holds no best.safetensors"},
		{"serve a folder without weights", nil, "serve --checkpoint data", 1, "data holds no best.safetensors"},
		{"eval of a pipe", piped, "eval --device cpu --data data --checkpoint w", 1, "it is not a regular file"},
		{"inspect a pipe", piped, "inspect w", 1, "it is not a regular file"},
		{"train from a pipe", piped, "--weights w", 1, "it is not a regular file"},
		{"predict a pipe", with(piped), "predict w" + c, 1, "warning: w: not a regular file"},
		{"eval of an image", nil, "eval --device cpu --data data --checkpoint data/val/ants/000.jpg", 1, "it is a JPEG image, not weights"},
		{"eval of other weights", spoilt("w", "{}"), "eval --device cpu --data data --checkpoint w", 1, "w: "},
		{"eval without data", with(nil), "eval --data dta" + c, 1, "no folder dta: found best.safetensors, data/"},
		{"eval of unknown classes", with(func(t *testing.T, dir string) {
			try(t, os.Rename(filepath.Join(dir, "data/val/bees"), filepath.Join(dir, "data/val/wasps")))
		}), "eval --data data" + c, 1, "has a class wasps, which the network does not know: its classes are ants, bees; --classes ants leaves the others out"},
		{"eval of a class twice", with(nil), "eval --data data --classes ants,ants" + c, 2, "--classes ants,ants: a class is named twice"},
		{"eval of a class without name", with(nil), "eval --data data --classes ants,,bees" + c, 2, "--classes: a name is empty"},
		{"eval of a class that is not there", with(nil), "eval --data data --classes ants,wasps" + c, 1, "has no class wasps: it has ants, bees"},
		{"eval of a corrupt image", with(spoilt("data/val/bees/000.jpg", "")), "eval --data data" + c, 1, "data/val/bees/000.jpg (class bees, sample 1): the file is empty"},
		{"eval in batches of 0", with(nil), "eval --data data --batch-size 0" + c, 2, "--batch-size 0: want 1 to 65536"},
		{"eval with 0 threads", with(nil), "eval --data data --threads 0" + c, 2, "--threads 0: want 1 to 1024"},
		{"predict with far too large weights", notFinite, "predict data" + c, 1, "best.safetensors: the output of the network is not finite"},
		{"eval of far too large weights", notFinite, "eval --data data" + c, 1, "best.safetensors: the output of the network is not finite"},
		{"serve far too large weights", notFinite, "serve --addr 127.0.0.1:0" + c, 1, "best.safetensors: the output of the network is not finite"},
		{"predict without a picture", with(nil), "predict" + c, 2, "predict takes at least one IMAGE, DIR, PATTERN or -"},
		{"predict without checkpoint", nil, "predict data", 2, "--checkpoint is missing"},
		{"predict a folder without pictures", with(nil), "predict ." + c + "--top 0", 2, "--top 0: want 1 or more"},
		{"predict in two forms", with(nil), "predict data --json --csv" + c, 2, "--json and --csv do not go together"},
		{"predict nothing", with(func(t *testing.T, dir string) { try(t, os.Mkdir(filepath.Join(dir, "empty"), 0o777)) }), "predict empty" + c, 1, "no pictures in empty"},
		{"predict what is not there", with(nil), "predict a.jpg" + c, 1, "warning: a.jpg: no such file or directory"},
		{"predict an empty input", with(nil), "predict -" + c, 1, "warning: -: the file is empty"},
		{"predict a URL", with(nil), "predict https://example.org/a.jpg" + c, 2, "https://example.org/a.jpg: predict reads files: fetch it first, as with curl -o picture.jpg https://…"},
		{"predict a pattern of nothing", with(nil), "predict *.gif" + c, 1, "warning: *.gif: no such file or directory"},
		{"predict with two standard inputs", with(nil), "predict - --files-from -" + c, 2, "standard input is either a picture (-) or a list (--files-from -)"},
		{"predict and sort standard input", with(nil), "predict - --sort-into out" + c, 2, "--sort-into: the picture on standard input has no file to be copied"},
		{"predict and sort into the pictures", with(nil), "predict data --sort-into data/sorted" + c, 2, "--sort-into data/sorted: its pictures and those of data would mix: name a folder elsewhere"},
		{"predict and sort into the folder above", with(nil), "predict data/val/ants --sort-into data/val" + c, 2, "--sort-into data/val: its pictures and those of data/val/ants would mix"},
		{"predict an empty list", with(spoilt("list", "\n")), "predict --files-from list" + c, 1, "--files-from list: the list names no pictures"},
		{"predict a list of a URL", with(spoilt("list", "https://example.org/a.jpg\n")), "predict --files-from list" + c, 1, "warning: https://example.org/a.jpg: predict reads files: fetch it first"},
		{"predict pictures and an empty folder", with(func(t *testing.T, dir string) { try(t, os.Mkdir(filepath.Join(dir, "empty"), 0o777)) }), "predict data a.jpg empty" + c, 1,
			"1 of 7 pictures could not be read; 1 folder could not be listed, or had no pictures"},
		{"predict a list without a name", with(nil), "predict data --files-from=" + c, 2, "--files-from is empty"},
		{"predict and link nothing", with(nil), "predict data --link" + c, 2, "--link: has no effect without --sort-into"},
		{"predict and sort into a file", with(spoilt("out", "")), "predict data --sort-into out" + c, 1, "--sort-into: mkdir out: not a directory"},
		{"predict with a threshold in percent", with(nil), "predict data --threshold 90" + c, 2, "--threshold 90: want a probability above 0, at most 1"},
		{"predict with a precision in percent", with(nil), "predict data --precision 99" + c, 2, "--precision 99: want a share above 0, at most 1"},
		{"predict with no precision", with(nil), "predict data --precision 0" + c, 2, "--precision 0: want a share above 0, at most 1"},
		{"eval with no threshold", with(nil), "eval --threshold 0" + c, 2, "--threshold 0: want a probability above 0, at most 1"},
		{"predict a list that is a folder", with(nil), "predict --files-from data" + c, 2, "--files-from data: it is a folder: want a file"},
		{"eval into the checkpoint", with(nil), "eval --report best.safetensors" + c, 2, "--report best.safetensors: this file is read: name another one to write"},
		{"eval into a folder", with(nil), "eval --report data" + c, 2, `--report "data": want the name of a file to write`},
		{"export into a folder", with(nil), "export --checkpoint best.safetensors --format pth --out data", 2, `--out "data": want the name of a file to write`},
		{"serve with a folder as the token", with(nil), "serve --token-file data" + c, 2, "--token-file data: it is a folder: want a file"},
		{"serve with a folder as the key", with(nil), "serve --tls-cert best.safetensors --tls-key data" + c, 2, "--tls-key data: it is a folder: want a file"},
		{"predict with two thresholds", with(nil), "predict data --precision 0.9 --threshold 0.9" + c, 2, "--threshold and --precision do not go together"},
		{"serve with a threshold in percent", with(nil), "serve --threshold 90" + c, 2, "--threshold 90: want a probability above 0, at most 1"},
		{"serve without checkpoint", nil, "serve", 2, "--checkpoint is missing"},
		{"serve on no address", with(nil), "serve --addr 8080" + c, 2, `--addr "8080": want an address and a port, as 127.0.0.1:8080`},
		{"serve on another machine's address", with(nil), "serve --addr 192.0.2.1:0" + c, 1, "--addr 192.0.2.1:0: "},
		{"serve with half of a certificate", with(nil), "serve --tls-cert w" + c, 2, "--tls-cert and --tls-key go together"},
		{"serve without the certificate", with(nil), "serve --addr 127.0.0.1:0 --tls-cert w --tls-key w" + c, 1, "--tls-cert w, --tls-key w: open w: no such file"},
		{"serve without the token", with(nil), "serve --addr 127.0.0.1:0 --token-file w" + c, 1, "--token-file: serve: open w: no such file"},
		{"serve with an empty token", with(spoilt("w", " \n")), "serve --addr 127.0.0.1:0 --token-file w" + c, 1, "--token-file: serve: w is empty: want a token in it"},
		{"serve with two tokens", with(spoilt("w", "one\ntwo\n")), "serve --addr 127.0.0.1:0 --token-file w" + c, 1, "--token-file: serve: w has several lines: want one token in it"},
		{"serve with little memory", with(nil), "serve --addr 127.0.0.1:0 --memory 1M" + c, 1, "--memory 1M is 1 MB: a batch of --max-batch 8 pictures and --max-connections 256 take most of it; want at least"},
		{"serve with memory in words", with(nil), "serve --memory much" + c, 2, `--memory "much": want auto, or a size as 500M or 2G`},
		{"serve without connections", with(nil), "serve --max-connections 0" + c, 2, "--max-connections 0: want 1 to 1048576"},
		{"serve pages of everybody", with(nil), "serve --cors *" + c, 2, `--cors "*": want a scheme and a host, as https://example.org`},
		{"serve batches of 0", with(nil), "serve --max-batch 0" + c, 2, "--max-batch 0: want 1 to 4096"},
		{"serve a queue of 0", with(nil), "serve --queue 0" + c, 2, "--queue 0: want 1 to 1048576"},
		{"serve without time", with(nil), "serve --timeout 0s" + c, 2, "--timeout 0s: want more than 0s"},
		{"serve a size of words", with(nil), "serve --max-body much" + c, 2, `--max-body "much": want a size as 500k or 20M`},
		{"serve no network", spoilt("best.safetensors", "x"), "serve --addr 127.0.0.1:0" + c, 1, "best.safetensors: "},
		{"export without out", with(nil), "export --checkpoint best.safetensors", 2, "--out is missing: name the file to write"},
		{"export to another format", with(nil), "export --checkpoint best.safetensors --out w --format h5", 2, `--format "h5": want one of pth, safetensors, onnx`},
		{"export ONNX in another format", with(nil), "export --checkpoint best.safetensors --out w.ONNX --format pth", 2, "--out w.ONNX: the ending is not that of --format pth"},
		{"export ONNX of words", with(nil), "export --checkpoint best.safetensors --out w.onnx --input words", 2, `--input "words": want one of picture, tensor`},
		{"export an input of weights", with(nil), "export --checkpoint best.safetensors --out w.pth --input tensor", 2, "--input has no effect on a file of the format pth"},
		{"export ONNX into no folder", with(nil), "export --checkpoint best.safetensors --out no/w.onnx", 1, "no"},
		{"export to no known ending", with(nil), "export --checkpoint best.safetensors --out w.h5", 2, "--out w.h5: want an ending of .pth, .pt, .safetensors or .onnx, which decides the format"},
		{"export to no ending", with(nil), "export --checkpoint best.safetensors --out w", 2, "want an ending of .pth, .pt, .safetensors or .onnx"},
		{"export to two formats", with(nil), "export --checkpoint best.safetensors --out w.pt --format safetensors", 2, "--out w.pt: the ending is not that of --format safetensors"},
		{"export over a file", with(spoilt("w.pth", "")), "export --checkpoint best.safetensors --out w.pth", 1, "w.pth is there already; choose another --out, or add --overwrite"},
		{"export into no folder", with(nil), "export --checkpoint best.safetensors --out no/w.pth", 1, "no"},
		{"export nothing trained", spoilt("w", ""), "export --checkpoint w --out x.pt", 1, "w: it is empty"},
	}
}

// A training can start from foreign weights, and prints which of them it left out. It refuses values that are not finite.
func TestTrainFromWeightsOfOthers(t *testing.T) {
	sd, err := checkpoint.Read(filepath.Join(trainedRun(t), "best.safetensors"))
	try(t, err)
	dir := t.TempDir()
	write := func(name string, change func(*checkpoint.Tensor) bool) string {
		changed := &checkpoint.StateDict{Metadata: sd.Metadata}
		for _, w := range sd.Tensors {
			w.Data = slices.Clone(w.Data)
			if change(&w) {
				changed.Tensors = append(changed.Tensors, w)
			}
		}
		file := filepath.Join(dir, name)
		try(t, checkpoint.WriteSafetensors(file, changed))
		return file
	}
	wrapped := write("a#b.safetensors", func(w *checkpoint.Tensor) bool {
		head := strings.HasPrefix(w.Name, "fc.")
		w.Name = "module." + w.Name
		return !head
	})
	spoilt := write("nan.safetensors", func(w *checkpoint.Tensor) bool {
		if w.Name == "bn1.running_mean" {
			binary.LittleEndian.PutUint32(w.Data, math.Float32bits(float32(math.Inf(1))))
		}
		return true
	})
	const broken = `a value of the weights is NaN or infinite, in "bn1.running_mean"`
	train := []string{"train", "--data", "testdata/insects", "--epochs", "1", "--image-size", "32", "--freeze", "--device", "cpu", "--overwrite", "--out", filepath.Join(dir, "run"), "--weights"}
	for _, test := range []struct {
		args   []string
		code   int
		stderr []string
	}{
		{append(train, wrapped), 0, []string{wrapped + `: left out "module.", which every name begins with`, wrapped + ": has no fc.weight and fc.bias; the new head replaces them anyway"}},
		{append(train, wrapped+"#model"), 1, []string{`it has no part "model": a safetensors file is one state dict`}},
		{append(train, spoilt), 1, []string{spoilt + ": " + broken}},
		{[]string{"predict", "--device", "cpu", "--checkpoint", spoilt, "testdata/insects/val/bees/000.jpg"}, 1, []string{"nan.safetensors: ", broken}},
		{[]string{"export", "--checkpoint", spoilt, "--out", filepath.Join(dir, "w.pth")}, 1, []string{spoilt + ": " + broken}},
		{[]string{"predict", "--device", "cpu", "--checkpoint", wrapped, "testdata/insects/val/bees/000.jpg"}, 1, []string{"unexpected keys: module.conv1.weight"}},
		{[]string{"inspect", spoilt}, 0, nil},
	} {
		code, stdout, stderr := command(t, test.args...)
		if code != test.code {
			t.Errorf("%q: exit code %d, want %d: %s", test.args, code, test.code, stderr)
		}
		for _, want := range test.stderr {
			if !strings.Contains(stderr, want) {
				t.Errorf("%q: %q is not in %s", test.args, want, stderr)
			}
		}
		if test.args[0] == "inspect" && (!strings.Contains(stdout, "not finite  1 of the values") || !strings.Contains(stdout, "1 NaN or infinite")) {
			t.Errorf("inspect does not say that a value is infinite:\n%s", stdout[:500])
		}
	}
}

// Wherever weights are read, the folder of a run means its best.safetensors.
func TestRunsFolder(t *testing.T) {
	out := trainedRun(t)
	file := filepath.Join(out, run.BestFile)
	for _, args := range [][]string{
		{"eval", "--device", "cpu", "--data", "testdata/insects", "--json", "--checkpoint"},
		{"predict", "--device", "cpu", "testdata/insects/val/bees/000.jpg", "--checkpoint"},
		{"predict", "--device", "cpu", "--tta", "flip", "testdata/insects/val/bees/000.jpg", "--checkpoint"},
		{"export", "--out", filepath.Join(t.TempDir(), "w.pth"), "--overwrite", "--checkpoint"},
		{"inspect"},
	} {
		var said [2]string
		for i, path := range []string{file, out} {
			code, stdout, stderr := command(t, append(slices.Clone(args), path)...)
			if code != 0 {
				t.Errorf("%q of %s: exit code %d, %s", args, path, code, stderr)
			}
			for line := range strings.Lines(stdout) {
				if !strings.Contains(line, `"seconds":`) {
					said[i] += line
				}
			}
		}
		if said[0] != said[1] {
			t.Errorf("%q: the folder gives\n%s\nits file\n%s", args, said[1], said[0])
		}
	}
	code, _, stderr := command(t, "train", "--data", "testdata/insects", "--epochs", "1", "--image-size", "32", "--freeze", "--device", "cpu",
		"--weights", out, "--out", filepath.Join(t.TempDir(), "run"))
	if code != 0 {
		t.Errorf("train --weights: exit code %d, %s", code, stderr)
	}
}

// eval reports a later epoch with the same accuracy and a lower loss if the history beside a checkpoint is its own.
func TestEvalTellsOfEqualAccuracies(t *testing.T) {
	out := trainedRun(t)
	result, err := run.ReadResult(out)
	try(t, err)
	best := result.Best
	later := best
	later.Epoch, later.Loss = best.Epoch+1, best.Loss/2
	worse := later
	worse.Epoch, worse.Loss = best.Epoch+2, best.Loss*2
	other := best
	other.Loss++
	for name, tt := range map[string]struct {
		phases []metrics.Phase
		want   string
	}{
		"equal":   {[]metrics.Phase{best, later, worse}, fmt.Sprintf("epoch %d had the same accuracy and a lower loss, %.4f; the first of equals is kept, as in the notebook", later.Epoch, later.Loss)},
		"worse":   {[]metrics.Phase{best, worse}, ""},
		"another": {[]metrics.Phase{other, later}, ""},
		"none":    {nil, ""},
	} {
		var history []byte
		for _, p := range tt.phases {
			line, err := json.Marshal(p)
			try(t, err)
			history = append(append(history, line...), '\n')
		}
		write(t, filepath.Join(out, run.HistoryFile), string(history))
		code, stdout, stderr := command(t, "eval", "--device", "cpu", "--checkpoint", out)
		if said := strings.Contains(stdout, "same accuracy"); code != 0 || said != (tt.want != "") || !strings.Contains(stdout, tt.want) {
			t.Errorf("%s: exit code %d, %s%s", name, code, stdout, stderr)
		}
	}
}
