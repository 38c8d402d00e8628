package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/cpu"
	"golang.org/x/sys/unix"

	"hymenoptera/checkpoint"
	"hymenoptera/metrics"
	"hymenoptera/run"
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
	"hymenoptera/zoo"
)

// curves is testdata/curves.json or, on arm64, curves-arm64.json: the results of trainings with PyTorch by
// scripts/reference.py on testdata/insects.
type curves struct {
	Environment map[string]string
	Caches      []map[string]string // sizes of caches on which a training gave these bits; see the function caches
	WeightsSeed uint64              `json:"weights_seed"`
	Runs        []struct {
		Name        string
		Processes   int // 0 for one process
		Options     []string
		History     []metrics.Phase
		Final, Best string
	}
}

func readCurves() (c curves, err error) {
	file := "testdata/curves.json"
	if runtime.GOARCH == "arm64" {
		file = "testdata/curves-arm64.json"
	}
	data, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(data, &c)
	}
	return c, err
}

// TestMain starts this test binary again with the environment that the curves were made in: it pins the
// vector instructions that libtorch, oneDNN and MKL choose by the processor, and they read it before Go's
// main runs. Waiting threads sleep, since the tests of other packages may run at the same time. A child of a test of the
// built program becomes that program.
func TestMain(m *testing.M) {
	if program := os.Getenv(becomeProgram); program != "" {
		become(program)
	}
	const again = "HYMENOPTERA_TEST_PINNED"
	c, err := readCurves()
	if err != nil {
		panic(err)
	}
	if os.Getenv(again) == "" && os.Getenv("HYMENOPTERA_TEST_UNPINNED") == "" {
		self, err := os.Executable()
		if err != nil {
			panic(err)
		}
		env := append(os.Environ(), again+"=1", "OMP_WAIT_POLICY=passive")
		for k, v := range c.Environment {
			env = append(env, k+"="+v)
		}
		panic(syscall.Exec(self, os.Args, env))
	}
	os.Exit(m.Run())
}

// Every loss and count of these trainings and the weights at the end equal PyTorch's to the last bit. Bits may differ if
// the processor has no AVX2, other instructions (on arm64), or other cache sizes than the curves' machines: oneDNN
// chooses its blocks, and with them the order of sums, by these. Only then does the test allow a tolerance.
func TestCurvesEqualPyTorch(t *testing.T) {
	c, err := readCurves()
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Runs) == 0 {
		t.Fatal("no curves")
	}
	program := build(t)
	weights := seededWeights(t, c.WeightsSeed)
	strict := pinned() && slices.ContainsFunc(c.Caches, func(m map[string]string) bool { return maps.Equal(m, caches()) })
	t.Logf("processor and caches are those of the curves: %v", strict)
	for _, r := range c.Runs {
		t.Run(r.Name, func(t *testing.T) {
			file := "none"
			if model, ok := strings.CutSuffix(strings.TrimSuffix(r.Name, " frozen"), " from weights"); ok {
				file = weights[model]
			}
			data := "testdata/insects"
			if strings.Contains(r.Name, "turned") {
				data = t.TempDir()
				turn(t, "testdata/insects", data)
			}
			if strings.Contains(r.Name, "shards") {
				data = t.TempDir()
				writeShards(t, "testdata/insects", data)
			}
			out := filepath.Join(t.TempDir(), "run")
			args := append([]string{"train", "--data", data, "--weights", file, "--device", "cpu", "--out", out}, r.Options...)
			if r.Processes > 0 {
				program.launch(t, r.Processes, args...)
			} else {
				var stderr strings.Builder
				if code := execute(t.Context(), args, io.Discard, &stderr, func(string) {}); code != 0 {
					t.Fatalf("exit code %d: %s", code, &stderr)
				}
			}
			got, err := run.ReadHistory(out)
			if err != nil {
				t.Fatal(err)
			}
			result, err := run.ReadResult(out)
			if err != nil {
				t.Fatal(err)
			}
			for i := range got {
				got[i].Seconds, got[i].Wait = 0, 0
			}
			if slices.Equal(got, r.History) && result.FinalSHA256 == r.Final && result.BestSHA256 == r.Best {
				t.Logf("%d phases and the weights: equal bit for bit", len(got))
				return
			}
			if !strict && near(got, r.History, slices.Contains(r.Options, "--freeze")) {
				t.Log("not the processor of the curves: equal within the tolerance")
				return
			}
			for i, w := range r.History {
				if i < len(got) && got[i] != w {
					t.Errorf("epoch %d %s:\n got %+v\nwant %+v", w.Epoch, w.Name, got[i], w)
				}
			}
			t.Errorf("%d phases, final weights %s, best %s;\nwant %d, %s, %s", len(got), result.FinalSHA256, result.BestSHA256, len(r.History), r.Final, r.Best)
		})
	}
}

// launch trains in several processes.
func (b built) launch(t *testing.T, processes int, train ...string) {
	t.Helper()
	cmd := exec.Command(b.path, append([]string{"launch", "--nproc", strconv.Itoa(processes)}, train...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// near compares curves whose sums were computed in another order. If only the head learns, all losses must agree within
// 1e-4, and counts within one image: with AVX512 the differences were 3e-6. If every layer of a network with random
// weights learns at so high a rate, each step multiplies the difference. In the first phase it was up to 7 %, and near
// allows 15 %; later phases cannot be compared.
func near(got, want []metrics.Phase, frozen bool) bool {
	if len(got) != len(want) {
		return false
	}
	within := func(got, want, share float64) bool { return math.Abs(got-want) <= share*want }
	for i, w := range want {
		g := got[i]
		if frozen && (!within(g.Loss, w.Loss, 1e-4) || max(g.Corrects-w.Corrects, w.Corrects-g.Corrects) > 1) {
			return false
		}
	}
	return within(got[0].Loss, want[0].Loss, 0.15)
}

// seededWeights writes a file of weights for each network that curves begin with, as scripts/make_curves.py
// does: the weights that the seed gives the network with ImageNet's 1000 classes.
func seededWeights(t *testing.T, seed uint64) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, model := range []string{"resnet18", "googlenet"} {
		files[model] = filepath.Join(t.TempDir(), model+".pth")
		err := torch.Do(t.Context(), func(s *torch.Scope) error {
			arch, err := zoo.Find(model)
			if err != nil {
				return err
			}
			torch.ManualSeed(seed)
			return checkpoint.WritePTH(files[model], nn.Export(arch.New(s, 1000)))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// turn copies a set and gives the pictures the eight EXIF orientations in turn, as scripts/make_curves.py does.
func turn(t *testing.T, folder, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*", "*", "*.jpg"))
	try(t, err)
	for i, file := range files {
		data, err := os.ReadFile(file)
		try(t, err)
		exif := "\xff\xe1\x00\x22Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00" + string(rune(i%8+1)) + strings.Repeat("\x00", 7)
		name, err := filepath.Rel(folder, file)
		try(t, err, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o777))
		write(t, filepath.Join(dir, name), string(data[:2])+exif+string(data[2:]))
	}
}

// writeShards writes a set as shards of seven pictures, 3.jpg and 3.cls, of alternating classes, as make_curves.py does.
func writeShards(t *testing.T, folder, dir string) {
	t.Helper()
	for _, set := range []string{"train", "val"} {
		files, err := filepath.Glob(filepath.Join(folder, set, "*", "*.jpg"))
		try(t, err)
		var classes []string
		for _, file := range files { // sorted
			classes = append(classes, filepath.Dir(file))
		}
		classes = slices.Compact(classes)
		slices.SortStableFunc(files, func(a, b string) int { return strings.Compare(filepath.Base(a), filepath.Base(b)) })
		for i, chunk := range slices.Collect(slices.Chunk(files, 7)) {
			var shard bytes.Buffer
			w := tar.NewWriter(&shard)
			for k, file := range chunk {
				data, err := os.ReadFile(file)
				try(t, err)
				try(t, w.WriteHeader(&tar.Header{Name: fmt.Sprintf("%d.jpg", 7*i+k), Mode: 0o644, Size: int64(len(data))}))
				_, err = w.Write(data)
				try(t, err)
				label := strconv.Itoa(slices.Index(classes, filepath.Dir(file)))
				try(t, w.WriteHeader(&tar.Header{Name: fmt.Sprintf("%d.cls", 7*i+k), Mode: 0o644, Size: int64(len(label))}))
				_, err = io.WriteString(w, label)
				try(t, err)
			}
			try(t, w.Close())
			write(t, filepath.Join(dir, fmt.Sprintf("%s-%d.tar", set, i)), shard.String())
		}
	}
}

// pinned reports whether this process takes the code paths of the curves' environment.
func pinned() bool {
	return (runtime.GOARCH == "arm64" || cpu.X86.HasAVX2 && cpu.X86.HasFMA) && os.Getenv("HYMENOPTERA_TEST_UNPINNED") == ""
}

// caches returns the sizes of a core's own data caches, {"L1": "48K", "L2": "1024K"}, and on arm64 the two words that
// describe the processor's instructions.
func caches() map[string]string {
	sizes := map[string]string{}
	if runtime.GOARCH == "arm64" {
		words := map[uintptr]uintptr{}
		pairs, err := unix.Auxv()
		if err != nil {
			return nil
		}
		for _, pair := range pairs {
			words[pair[0]] = pair[1]
		}
		sizes["HWCAP"] = fmt.Sprintf("%x %x", words[16], words[26]) // AT_HWCAP and AT_HWCAP2
	}
	folders, _ := filepath.Glob("/sys/devices/system/cpu/cpu0/cache/index*")
	for _, folder := range folders {
		var values [3]string
		for i, name := range []string{"level", "type", "size"} {
			data, err := os.ReadFile(filepath.Join(folder, name))
			if err != nil {
				return nil
			}
			values[i] = strings.TrimSpace(string(data))
		}
		if values[1] != "Instruction" && values[0] != "3" {
			sizes["L"+values[0]] = values[2]
		}
	}
	return sizes
}
