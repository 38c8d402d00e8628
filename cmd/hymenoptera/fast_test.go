package main

import (
	"io"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"hymenoptera/run"
)

// The fast mode computes sums in another order and in shorter numbers: bfloat16 has 8 bits. If only the head
// learns, its curve follows the exact one closely enough to show that it learns: otherwise the last loss would be 6 % higher.
// If every layer learns, small differences grow with each step in either mode, so the test compares a few steps.
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
				if code := execute(t.Context(), append(args, mode...), io.Discard, &stderr, func(string) {}); code != 0 {
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
