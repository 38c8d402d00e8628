package optim_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"

	"hymenoptera/torch"
	"hymenoptera/torch/optim"
)

// goldens is testdata/optim.json, made by scripts/make_network_goldens.py.
type goldens struct {
	CPU        string
	Optimizers map[string][]float64
	Schedules  map[string][]float64
}

func readGoldens(t *testing.T) (g goldens) {
	t.Helper()
	data, err := os.ReadFile("testdata/optim.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// tolerance is 0 where libtorch uses the vector instructions that the goldens were made with. Elsewhere
// additions and multiplications are fused or not: a few units of the 24th bit over six steps.
func tolerance(t *testing.T, recorded string) float64 {
	t.Helper()
	if torch.CPUCapability() == recorded {
		t.Log("comparing bit for bit")
		return 0
	}
	t.Logf("goldens of %s, this machine has %s: comparing within 1e-6", recorded, torch.CPUCapability())
	return 1e-6
}

func TestOptimizersEqualPyTorch(t *testing.T) {
	g := readGoldens(t)
	for name, make := range map[string]func(s *torch.Scope, p []*torch.Tensor) optim.Optimizer{
		"sgd": func(s *torch.Scope, p []*torch.Tensor) optim.Optimizer {
			return optim.NewSGD(s, p, optim.SGDConfig{LR: 0.1})
		},
		"sgd momentum": func(s *torch.Scope, p []*torch.Tensor) optim.Optimizer {
			return optim.NewSGD(s, p, optim.SGDConfig{LR: 0.1, Momentum: 0.9})
		},
		"sgd nesterov": func(s *torch.Scope, p []*torch.Tensor) optim.Optimizer {
			return optim.NewSGD(s, p, optim.SGDConfig{LR: 0.1, Momentum: 0.9, Nesterov: true})
		},
		"sgd decay": func(s *torch.Scope, p []*torch.Tensor) optim.Optimizer {
			return optim.NewSGD(s, p, optim.SGDConfig{LR: 0.1, Momentum: 0.9, WeightDecay: 0.01})
		},
		"adam": func(s *torch.Scope, p []*torch.Tensor) optim.Optimizer {
			return optim.NewAdam(s, p, optim.AdamConfig{LR: 0.01})
		},
		"adam decay": func(s *torch.Scope, p []*torch.Tensor) optim.Optimizer {
			return optim.NewAdam(s, p, optim.AdamConfig{LR: 0.01, WeightDecay: 0.1})
		},
		"adamw": func(s *torch.Scope, p []*torch.Tensor) optim.Optimizer {
			return optim.NewAdam(s, p, optim.AdamConfig{LR: 0.01, WeightDecay: 0.1, Decoupled: true})
		},
	} {
		t.Run(name, func(t *testing.T) {
			want, within := g.Optimizers[name], tolerance(t, g.CPU)
			if len(want) != 15 {
				t.Fatalf("the golden has %d weights, want 15", len(want))
			}
			check(t, descend(t, make), want, within)
		})
	}
}

// The fused step rounds in another order: the same goldens, a few units of the 24th bit apart.
func TestFusedSGDAgreesWithPyTorch(t *testing.T) {
	g := readGoldens(t)
	for name, cfg := range map[string]optim.SGDConfig{
		"sgd":          {LR: 0.1, Fused: true},
		"sgd momentum": {LR: 0.1, Momentum: 0.9, Fused: true},
		"sgd nesterov": {LR: 0.1, Momentum: 0.9, Nesterov: true, Fused: true},
		"sgd decay":    {LR: 0.1, Momentum: 0.9, WeightDecay: 0.01, Fused: true},
	} {
		t.Run(name, func(t *testing.T) {
			got := descend(t, func(s *torch.Scope, p []*torch.Tensor) optim.Optimizer { return optim.NewSGD(s, p, cfg) })
			check(t, got, g.Optimizers[name], 1e-6)
		})
	}
}

// descend does six steps on fifteen weights, as the goldens' script does, and returns the weights.
func descend(t *testing.T, make func(s *torch.Scope, p []*torch.Tensor) optim.Optimizer) (end []float32) {
	t.Helper()
	before := torch.Live()
	err := torch.Do(t.Context(), func(s *torch.Scope) error {
		weights := torch.Zeros(s, torch.Float32, torch.CPU, 3, 5)
		for i, view := 0, torch.Float32View(weights); i < 15; i++ {
			view[i] = float32(i)/7 - 1
		}
		torch.SetRequiresGrad(weights, true)
		opt := make(s, []*torch.Tensor{weights})
		for step := range 6 {
			c := s.Child()
			opt.ZeroGrad()
			scaled := torch.MulScalar(c, torch.MulScalar(c, torch.Mul(c, weights, weights), float64(step+1)), 1.0/3)
			torch.Backward(torch.Sum(c, scaled))
			opt.Step()
			c.Close()
		}
		end = torch.Float32s(s, weights)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := torch.Live(); got != before {
		t.Errorf("%d live handles, want %d", got, before)
	}
	return end
}

func check(t *testing.T, got []float32, want []float64, within float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d weights, want %d", len(got), len(want))
	}
	for i := range got {
		if diff := math.Abs(float64(got[i]) - want[i]); !(diff <= within) {
			t.Errorf("weight %d: got %v, want %v", i, got[i], want[i])
		}
	}
}

func TestSchedulesEqualPyTorch(t *testing.T) {
	g := readGoldens(t)
	for name, make := range map[string]func(o optim.Optimizer) optim.Scheduler{
		"step 7 0.1":      func(o optim.Optimizer) optim.Scheduler { return optim.NewStepLR(o, 7, 0.1) },
		"step 1 0.5":      func(o optim.Optimizer) optim.Scheduler { return optim.NewStepLR(o, 1, 0.5) },
		"exponential 0.9": func(o optim.Optimizer) optim.Scheduler { return optim.NewExponentialLR(o, 0.9) },
		"cosine 30":       func(o optim.Optimizer) optim.Scheduler { return optim.NewCosineAnnealingLR(o, 30) },
		"cosine 10":       func(o optim.Optimizer) optim.Scheduler { return optim.NewCosineAnnealingLR(o, 10) },
	} {
		want := g.Schedules[name]
		if len(want) != 30 {
			t.Fatalf("%s: the golden has %d rates, want 30", name, len(want))
		}
		opt := optim.NewSGD(nil, nil, optim.SGDConfig{LR: 0.001})
		schedule := make(opt)
		for epoch, w := range want {
			if got := opt.LR(); got != w {
				t.Errorf("%s: epoch %d: got %v, want %v", name, epoch, got, w)
			}
			schedule.Step()
		}
	}
}

func Example() {
	err := torch.Do(context.Background(), func(s *torch.Scope) error {
		w := torch.SetRequiresGrad(torch.FromFloat32s(s, []float32{4}, 1), true)
		sgd := optim.NewSGD(s, []*torch.Tensor{w}, optim.SGDConfig{LR: 0.25})
		torch.Backward(torch.Sum(s, torch.Mul(s, w, w))) // the gradient is 2w
		sgd.Step()
		fmt.Println(torch.Item(w))
		return nil
	})
	fmt.Println(err)
	// Output:
	// 2
	// <nil>
}
