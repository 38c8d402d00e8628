package main

import (
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"hymenoptera/run"
	"hymenoptera/trainer"
)

// curves is testdata/curves.json: trainings by scripts/reference.py, PyTorch's own, on testdata/insects.
type curves struct {
	Environment map[string]string
	Runs        []struct {
		Name        string
		Options     []string
		History     []trainer.Phase
		Final, Best string
	}
}

func readCurves() (c curves, err error) {
	data, err := os.ReadFile("testdata/curves.json")
	if err == nil {
		err = json.Unmarshal(data, &c)
	}
	return c, err
}

// TestMain starts this test binary again with the environment that the curves were made in: it pins the
// vector instructions that libtorch, oneDNN and MKL choose by the processor, and they read it before Go's
// main runs. Threads that wait are told to sleep, for the tests of other packages run beside these.
func TestMain(m *testing.M) {
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

// Every loss of these trainings, every count and the weights at the end are PyTorch's to the last bit. On a
// processor without AVX2 the losses of the first epoch are compared within 1e-3: another order of the same
// sums, before it has been amplified by training.
func TestCurvesEqualPyTorch(t *testing.T) {
	c, err := readCurves()
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Runs) == 0 {
		t.Fatal("no curves")
	}
	exact := hasAVX2(t)
	t.Logf("comparing bit for bit: %v (%s)", exact, runtime.GOARCH)
	for _, r := range c.Runs {
		t.Run(r.Name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "run")
			args := append([]string{"train", "--data", "testdata/insects", "--device", "cpu", "--out", out}, r.Options...)
			var stderr strings.Builder
			if code := execute(t.Context(), args, io.Discard, &stderr); code != 0 {
				t.Fatalf("exit code %d: %s", code, &stderr)
			}
			got, err := run.ReadHistory(out)
			if err != nil {
				t.Fatal(err)
			}
			comparePhases(t, got, r.History, exact)
			if !exact {
				return
			}
			var result run.Result
			data, err := os.ReadFile(filepath.Join(out, run.ResultFile))
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(data, &result); err != nil {
				t.Fatal(err)
			}
			if result.FinalSHA256 != r.Final {
				t.Errorf("final weights: digest %s, want %s", result.FinalSHA256, r.Final)
			}
			if result.BestSHA256 != r.Best {
				t.Errorf("best weights: digest %s, want %s", result.BestSHA256, r.Best)
			}
		})
	}
}

// The fast mode computes the same in other sums and shorter numbers: bfloat16 has 8 bits. Where only the head
// learns, its curve follows the exact one closely, and learning shows: the last loss would be 6 % higher without.
// Where every layer learns, small differences grow with each step in either mode, so a few steps are compared.
func TestFastIsCloseToExact(t *testing.T) {
	for _, tt := range []struct {
		name    string
		options []string
		within  float64
	}{
		{"frozen", []string{"--freeze", "--lr", "0.003", "--epochs", "3"}, 0.01},
		{"every layer", []string{"--lr", "0.0001", "--epochs", "1"}, 0.01},
		{"googlenet", []string{"--model", "googlenet", "--lr", "0.0001", "--epochs", "1"}, 0.02},
	} {
		t.Run(tt.name, func(t *testing.T) {
			losses := func(mode ...string) (losses []float64) {
				out := filepath.Join(t.TempDir(), "run")
				args := append([]string{"train", "--data", "testdata/insects", "--device", "cpu", "--out", out, "--weights", "none",
					"--batch-size", "16", "--image-size", "64", "--threads", "2"}, tt.options...)
				var stderr strings.Builder
				if code := execute(t.Context(), append(args, mode...), io.Discard, &stderr); code != 0 {
					t.Fatalf("exit code %d: %s", code, &stderr)
				}
				history, err := run.ReadHistory(out)
				if err != nil {
					t.Fatal(err)
				}
				for _, p := range history {
					losses = append(losses, p.Loss)
				}
				return losses
			}
			exact, fast := losses(), losses("--fast")
			if len(fast) != len(exact) || len(exact) < 2 {
				t.Fatalf("%d and %d phases", len(exact), len(fast))
			}
			for i := range exact {
				if !(math.Abs(fast[i]-exact[i]) <= tt.within*exact[i]) {
					t.Errorf("phase %d: loss %v, exactly it is %v", i, fast[i], exact[i])
				}
			}
			t.Logf("exact %.6f, fast %.6f", exact, fast)
		})
	}
}

func comparePhases(t *testing.T, got, want []trainer.Phase, exact bool) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d phases, want %d", len(got), len(want))
	}
	for i, w := range want {
		g := got[i]
		g.Seconds = 0
		switch {
		case exact && g != w:
			t.Errorf("epoch %d %s:\n got %+v\nwant %+v", w.Epoch, w.Name, g, w)
		case !exact && w.Epoch == 0 && w.Name == "train" && math.Abs(g.Loss-w.Loss) > 1e-3:
			t.Errorf("epoch %d %s: loss %v, want %v within 1e-3", w.Epoch, w.Name, g.Loss, w.Loss)
		}
	}
}

// hasAVX2 reports whether the pinned code paths exist on this processor.
func hasAVX2(t *testing.T) bool {
	t.Helper()
	if os.Getenv("HYMENOPTERA_TEST_UNPINNED") != "" {
		return false
	}
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return false
	}
	return strings.Contains(string(info), " avx2") && strings.Contains(string(info), " fma")
}
