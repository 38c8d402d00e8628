package torch_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"hymenoptera/torch"
)

// do runs f inside torch.Do and fails the test on an error or a leaked handle.
func do(t *testing.T, f func(s *torch.Scope)) {
	t.Helper()
	before := torch.Live()
	if err := torch.Do(t.Context(), func(s *torch.Scope) error { f(s); return nil }); err != nil {
		t.Fatal(err)
	}
	if got := torch.Live(); got != before {
		t.Errorf("%d live handles, want the %d that there were before", got, before)
	}
}

func TestOperations(t *testing.T) {
	do(t, func(s *torch.Scope) {
		a := torch.FromFloat32s(s, []float32{1, -2, 3, 4}, 2, 2)
		b := torch.FromFloat32s(s, []float32{10, 20, 30, 40}, 2, 2)
		for _, c := range []struct {
			name string
			got  *torch.Tensor
			want []float32
		}{
			{"add", torch.Add(s, a, b), []float32{11, 18, 33, 44}},
			{"add scaled", torch.AddScaled(s, a, b, 0.5), []float32{6, 8, 18, 24}},
			{"add scalar", torch.AddScalar(s, a, 1), []float32{2, -1, 4, 5}},
			{"mul", torch.Mul(s, a, b), []float32{10, -40, 90, 160}},
			{"div", torch.Div(s, b, a), []float32{10, -10, 10, 10}},
			{"permute", torch.Permute(s, a, 1, 0), []float32{1, 3, -2, 4}},
			{"reshape", torch.Reshape(s, a, -1, 1), []float32{1, -2, 3, 4}},
			{"to and back", torch.ToDType(s, torch.ToDType(s, a, torch.BFloat16), torch.Float32), []float32{1, -2, 3, 4}},
			{"mul scalar", torch.MulScalar(s, a, 2), []float32{2, -4, 6, 8}},
			{"matmul", torch.Matmul(s, a, b), []float32{-50, -60, 150, 220}},
			{"relu", torch.ReLU(s, a), []float32{1, 0, 3, 4}},
			{"sum", torch.Sum(s, a), []float32{6}},
			{"cat", torch.Cat(s, 1, a, b), []float32{1, -2, 10, 20, 3, 4, 30, 40}},
			{"narrow", torch.Narrow(s, a, 0, 1, 1), []float32{3, 4}},
			{"narrow of columns", torch.Narrow(s, a, 1, 1, 1), []float32{-2, 4}},
			{"clone", torch.Clone(s, a), []float32{1, -2, 3, 4}},
			{"flatten", torch.Flatten(s, a, 0), []float32{1, -2, 3, 4}},
		} {
			if got := torch.Float32s(s, c.got); !slices.Equal(got, c.want) {
				t.Errorf("%s: got %v, want %v", c.name, got, c.want)
			}
		}
		if got := slices.Clone(torch.Int64View(torch.Argmax(s, b, 1))); !slices.Equal(got, []int64{1, 1}) {
			t.Errorf("argmax: got %v, want [1 1]", got)
		}
		hits := torch.Sum(s, torch.Equal(s, a, torch.ReLU(s, a)))
		if got := torch.Item(hits); got != 3 || hits.DType() != torch.Int64 {
			t.Errorf("equal elements: got %v of type %v, want 3 of int64", got, hits.DType())
		}
	})
}

func TestInPlaceChangesTheOperandItself(t *testing.T) {
	do(t, func(s *torch.Scope) {
		a := torch.FromFloat32s(s, []float32{1, -2}, 2)
		view := torch.Float32View(a)
		torch.MulScalarInPlace(torch.AddScaledInPlace(torch.AddInPlace(a, a), a, 1), 2) // 8a
		torch.ReLUInPlace(torch.AddScalarInPlace(a, 1))
		if want := []float32{9, 0}; !slices.Equal(view, want) {
			t.Errorf("got %v, want %v", view, want)
		}
		torch.CopyInPlace(a, torch.FillInPlace(torch.Zeros(s, torch.Float32, torch.CPU, 2), 5))
		if want := []float32{5, 5}; !slices.Equal(view, want) {
			t.Errorf("after the copy: got %v, want %v", view, want)
		}
	})
}

// An error of libtorch becomes a Go error of one line that names the operation, and leaves nothing behind.
func TestErrorsSayWhatWasAsked(t *testing.T) {
	for _, c := range []struct {
		name string
		f    func(s *torch.Scope)
		want []string
	}{
		{"shape mismatch", func(s *torch.Scope) {
			torch.Matmul(s, torch.Zeros(s, torch.Float32, torch.CPU, 2, 3), torch.Zeros(s, torch.Float32, torch.CPU, 4, 5))
		}, []string{"matmul(float32[2 3], float32[4 5])", "2x3 and 4x5"}},
		{"absurd allocation", func(s *torch.Scope) { torch.Empty(s, torch.Float32, torch.CPU, 1<<40, 1<<10) },
			[]string{"empty(float32[1099511627776 1024])", "not enough memory"}},
		{"overflowing allocation", func(s *torch.Scope) { torch.Empty(s, torch.Float32, torch.CPU, 1<<40, 1<<40) },
			[]string{"empty", "overflow"}},
		{"negative dimension", func(s *torch.Scope) { torch.Zeros(s, torch.Float32, torch.CPU, 2, -1) },
			[]string{"zeros(float32[2 -1])", "negative"}},
		{"no such CUDA device", func(s *torch.Scope) { torch.Zeros(s, torch.Float32, torch.CUDA(99), 1) },
			[]string{"zeros"}},
		{"wrong number of elements", func(s *torch.Scope) { torch.FromFloat32s(s, []float32{1}, 2, 2) },
			[]string{"float32[2 2]", "4 elements", "1"}},
		{"wrong type", func(s *torch.Scope) { torch.Float32s(s, torch.FromInt64s(s, []int64{1}, 1)) },
			[]string{"int64[1]", "float32"}},
		{"item of several", func(s *torch.Scope) { torch.Item(torch.Zeros(s, torch.Float32, torch.CPU, 3)) },
			[]string{"item(float32[3])", "one element"}},
		{"backward without a graph", func(s *torch.Scope) { torch.Backward(torch.Zeros(s, torch.Float32, torch.CPU)) },
			[]string{"backward(float32[])", "does not require grad"}},
		{"nil operand", func(s *torch.Scope) { torch.ReLU(s, nil) }, []string{"relu", "nil"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := torch.Live()
			err := torch.Do(t.Context(), func(s *torch.Scope) error { c.f(s); return nil })
			if err == nil {
				t.Fatal("no error")
			}
			for _, w := range append(c.want, "torch: ") {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q does not mention %q", err, w)
				}
			}
			if strings.Contains(err.Error(), "Exception raised from") || strings.Contains(err.Error(), "\n") {
				t.Errorf("a C++ stack is in %q", err)
			}
			if got := torch.Live(); got != before {
				t.Errorf("%d live handles, want %d", got, before)
			}
		})
	}
}

func TestInit(t *testing.T) {
	for _, name := range []string{"", "cpu"} {
		if d, err := torch.Init(torch.Options{Device: name, Threads: 1}); d != torch.CPU || err != nil {
			t.Errorf("%q: got %v, %v", name, d, err)
		}
	}
	if _, err := torch.Init(torch.Options{Device: "auto"}); err != nil {
		t.Errorf("auto: %v", err)
	}
	for _, name := range []string{"gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:+1", "cpu:0"} {
		if _, err := torch.Init(torch.Options{Device: name}); err == nil || !strings.Contains(err.Error(), "want") {
			t.Errorf("%q: got error %v, want one with advice", name, err)
		}
	}
	var unusable *torch.DeviceError
	if _, err := torch.Init(torch.Options{Device: "cuda:99"}); !errors.As(err, &unusable) || unusable.Device != "cuda:99" {
		t.Errorf("cuda:99: got %v, want a *DeviceError", err)
	}
	if _, err := torch.Init(torch.Options{Threads: -1}); err == nil {
		t.Error("-1 threads were accepted")
	}
}

func TestUseAfterFreeIsAnError(t *testing.T) {
	before := torch.Live()
	for name, f := range map[string]func(s *torch.Scope) *torch.Tensor{
		"freed by hand": func(s *torch.Scope) *torch.Tensor {
			x := torch.Zeros(s, torch.Float32, torch.CPU, 1)
			x.Free()
			x.Free()
			return x
		},
		"scope closed": func(s *torch.Scope) *torch.Tensor {
			c := s.Child()
			x := torch.Zeros(c, torch.Float32, torch.CPU, 1)
			c.Close()
			c.Close()
			return x
		},
		"temporary of Tidy": func(s *torch.Scope) (x *torch.Tensor) {
			s.Tidy(func(s *torch.Scope) *torch.Tensor {
				x = torch.Zeros(s, torch.Float32, torch.CPU, 1)
				return torch.ReLU(s, x)
			})
			return x
		},
	} {
		err := torch.Do(t.Context(), func(s *torch.Scope) error {
			torch.ReLU(s, f(s))
			return nil
		})
		if err == nil || !strings.Contains(err.Error(), "freed") {
			t.Errorf("%s: got error %v, want one that says freed", name, err)
		}
	}
	if got := torch.Live(); got != before {
		t.Errorf("%d live handles, want %d", got, before)
	}
}

func TestKeepMovesOut(t *testing.T) {
	do(t, func(s *torch.Scope) {
		var kept *torch.Tensor
		y := s.Tidy(func(s *torch.Scope) *torch.Tensor {
			kept = s.Keep(torch.FromFloat32s(s, []float32{1}, 1))
			return torch.AddScalar(s, kept, 1)
		})
		if got := torch.Item(y) + torch.Item(kept); got != 3 {
			t.Errorf("got %v, want 3", got)
		}
	})
	var outlives *torch.Tensor
	err := torch.Do(t.Context(), func(s *torch.Scope) error {
		outlives = s.Keep(torch.FromFloat32s(s, []float32{7}, 1))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	err = torch.Do(t.Context(), func(*torch.Scope) error {
		defer outlives.Free()
		if got := torch.Item(outlives); got != 7 {
			t.Errorf("got %v, want 7", got)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestGradModeIsRestored(t *testing.T) {
	do(t, func(s *torch.Scope) {
		if !torch.GradEnabled() {
			t.Fatal("grad mode is off at the start")
		}
		torch.NoGrad(func() {
			torch.SetGradEnabled(true, func() {
				if !torch.GradEnabled() {
					t.Error("off inside SetGradEnabled(true)")
				}
			})
			if torch.GradEnabled() {
				t.Error("on inside NoGrad")
			}
		})
		err := torch.Do(t.Context(), func(s *torch.Scope) error {
			torch.NoGrad(func() { torch.ReLU(s, nil) })
			return nil
		})
		if err == nil || !torch.GradEnabled() {
			t.Errorf("after error %v inside NoGrad grad mode is %v, want on", err, torch.GradEnabled())
		}
	})
}

// The words and the permutation of seed 42 are PyTorch's own (docs/parity.md).
func TestGenerator(t *testing.T) {
	do(t, func(s *torch.Scope) {
		torch.ManualSeed(42)
		for _, want := range []uint32{1608637542, 3421126067, 4083286876, 787846414} {
			if got := (torch.Generator{}).Uint32(); got != want {
				t.Errorf("got %d, want %d", got, want)
			}
		}
	})
}

// A generator continues from a saved state, even in the middle of a pair of normal numbers.
func TestRNGState(t *testing.T) {
	do(t, func(s *torch.Scope) {
		torch.ManualSeed(42)
		draw := func() []float32 {
			numbers := torch.NormalInPlace(torch.Empty(s, torch.Float32, torch.CPU, 3), 0, 1)
			return append(torch.Float32s(s, numbers), float32(torch.Generator{}.Uint32()))
		}
		draw()
		state := torch.RNGState(s, torch.CPU)
		want := draw()
		draw()
		torch.SetRNGState(torch.CPU, torch.FromBytes(s, torch.Uint8, torch.Bytes(state), state.Shape()...))
		if got := draw(); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		for name, size := range map[string]int64{"too short": 100, "zeros": state.Shape()[0]} {
			err := torch.Do(t.Context(), func(s *torch.Scope) error {
				torch.SetRNGState(torch.CPU, torch.Zeros(s, torch.Uint8, torch.CPU, size))
				return nil
			})
			if err == nil {
				t.Errorf("%s: no error", name)
			}
		}
	})
}
