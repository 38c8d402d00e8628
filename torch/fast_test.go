package torch_test

import (
	"testing"

	"hymenoptera/torch"
)

func TestAutocastComputesShorterAndRestores(t *testing.T) {
	do(t, func(s *torch.Scope) {
		a := torch.FromFloat32s(s, []float32{1, 2, 3, 4}, 2, 2)
		dtype := func() torch.DType { return torch.Matmul(s, a, a).DType() }
		torch.Autocast(torch.CPU, torch.BFloat16, func() {
			if got := dtype(); got != torch.BFloat16 {
				t.Errorf("inside: got %v, want bfloat16", got)
			}
			torch.Autocast(torch.CPU, torch.Float16, func() {
				if got := dtype(); got != torch.Float16 {
					t.Errorf("nested: got %v, want float16", got)
				}
			})
			if got := dtype(); got != torch.BFloat16 {
				t.Errorf("after the nested one: got %v, want bfloat16", got)
			}
		})
		failed := torch.Do(t.Context(), func(s *torch.Scope) error {
			torch.Autocast(torch.CPU, torch.BFloat16, func() { torch.Matmul(s, a, torch.Zeros(s, torch.Float32, torch.CPU, 5)) })
			return nil
		})
		if failed == nil {
			t.Error("a wrong shape is no error")
		}
		if got := dtype(); got != torch.Float32 {
			t.Errorf("afterwards: got %v, want float32", got)
		}
	})
}

// Casts of weights are cached only inside one Autocast. The next one sees the changed weights.
func TestAutocastSeesChangedWeights(t *testing.T) {
	do(t, func(s *torch.Scope) {
		w := torch.SetRequiresGrad(torch.FromFloat32s(s, []float32{1}, 1, 1), true)
		x := torch.FromFloat32s(s, []float32{1}, 1, 1)
		for want := 1.0; want < 4; want++ {
			torch.Autocast(torch.CPU, torch.BFloat16, func() {
				if got := torch.Item(torch.Linear(s, x, w, nil)); got != want {
					t.Errorf("got %v, want %v", got, want)
				}
			})
			torch.NoGrad(func() { torch.AddScalarInPlace(w, 1) })
		}
	})
}

func TestChannelsLastMovesMemoryAlone(t *testing.T) {
	do(t, func(s *torch.Scope) {
		x := torch.FromFloat32s(s, []float32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, 1, 3, 2, 2)
		last := torch.ChannelsLast(s, x)
		want := []float32{1, 5, 9, 2, 6, 10, 3, 7, 11, 4, 8, 12}
		for i, got := range torch.Float32View(torch.Permute(s, last, 0, 2, 3, 1)) {
			if got != want[i] {
				t.Fatalf("memory: element %d is %v, want %v", i, got, want[i])
			}
		}
		for i, got := range torch.Float32s(s, last) {
			if want := float32(i + 1); got != want {
				t.Fatalf("element %d is %v, want %v", i, got, want)
			}
		}
	})
}

// A packed convolution equals the convolution, with bias, sum and ReLU, also for an input of another shape than it was
// packed for.
func TestPackedConv(t *testing.T) {
	do(t, func(s *torch.Scope) {
		random := func(shape ...int64) *torch.Tensor {
			return torch.UniformInPlace(torch.Empty(s, torch.Float32, torch.CPU, shape...), -1, 1)
		}
		weight, bias := random(8, 3, 3, 3), random(8)
		p := torch.PackConv(s, weight, bias, 2, 1, [4]int64{4, 3, 10, 10})
		for _, n := range []int64{4, 1} {
			x := torch.ChannelsLast(s, random(n, 3, 10, 10))
			sum := torch.ChannelsLast(s, random(n, 8, 5, 5))
			plain := torch.Conv2d(s, x, weight, bias, 2, 1)
			same(t, s, "plain", p.Forward(s, x, false), plain)
			same(t, s, "with ReLU", p.Forward(s, x, true), torch.ReLU(s, plain))
			want := torch.ReLU(s, torch.Add(s, plain, sum))
			same(t, s, "with sum", p.ForwardAdd(s, x, sum, true), want)
		}
	})
}

// same checks that sums of 27 products differ only by rounding.
func same(t *testing.T, s *torch.Scope, what string, got, want *torch.Tensor) {
	t.Helper()
	g, w := torch.Float32s(s, got), torch.Float32s(s, want)
	for i := range w {
		if d := g[i] - w[i]; !(d < 1e-5 && d > -1e-5) {
			t.Errorf("%s: element %d: got %v, want %v", what, i, g[i], w[i])
			return
		}
	}
}
