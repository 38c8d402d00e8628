package nn_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"hymenoptera/checkpoint"
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
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

// digest returns the SHA-256 of m's state dict, as scripts/reference.py computes it.
func digest(m nn.Module) string { return fmt.Sprintf("%x", nn.Export(m).SHA256()) }

// The digests in testdata/layers.json are PyTorch's (scripts/make_network_goldens.py). These layers draw uniform
// numbers, one fused multiply-add each, which the DEFAULT capability lacks.
func TestInitialWeightsEqualPyTorch(t *testing.T) {
	data, err := os.ReadFile("testdata/layers.json")
	if err != nil {
		t.Fatal(err)
	}
	var g struct {
		CPU    string
		Layers map[string]any
	}
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	if c := torch.CPUCapability(); c == "DEFAULT" {
		t.Skipf("goldens of %s; %s has no fused multiply-add, so its last bits differ", g.CPU, c)
	}
	for name, make := range map[string]func(s *torch.Scope) nn.Module{
		"linear 512 2": func(s *torch.Scope) nn.Module { return nn.NewLinear(s, 512, 2) },
		"linear 7 3":   func(s *torch.Scope) nn.Module { return nn.NewLinear(s, 7, 3) },
		"conv 3 8 7": func(s *torch.Scope) nn.Module {
			return nn.NewConv2d(s, nn.Conv2dConfig{In: 3, Out: 8, Kernel: 7, Stride: 2, Padding: 3})
		},
		"conv 4 6 3 bias": func(s *torch.Scope) nn.Module {
			return nn.NewConv2d(s, nn.Conv2dConfig{In: 4, Out: 6, Kernel: 3, Stride: 1, Padding: 1, Bias: true})
		},
		"batchnorm 9": func(s *torch.Scope) nn.Module { return nn.NewBatchNorm2d(s, 9, 1e-5) },
	} {
		do(t, func(s *torch.Scope) {
			torch.ManualSeed(3)
			if got := digest(make(s)); got != g.Layers[name] {
				t.Errorf("%s: digest %v, want %v", name, got, g.Layers[name])
			}
		})
	}
	do(t, func(s *torch.Scope) {
		torch.ManualSeed(3)
		ones := torch.Ones(s, torch.Float32, torch.CPU, 40)
		want := g.Layers["dropout of ones"].([]any)
		for i, got := range torch.Float32s(s, nn.NewDropout(0.2).Forward(s, ones)) {
			if float64(got) != want[i] {
				t.Errorf("dropout element %d: got %v, want %v", i, got, want[i])
			}
		}
	})
}

// small is a net with every kind of layer.
func small(s *torch.Scope) nn.Sequential {
	return nn.Sequential{
		nn.NewConv2d(s, nn.Conv2dConfig{In: 3, Out: 4, Kernel: 3, Stride: 1, Padding: 1, Bias: true}),
		nn.Sequential{nn.NewBatchNorm2d(s, 4, 1e-5)},
		nn.NewDropout(0.5),
	}
}

func TestStateDictNamesAndOrder(t *testing.T) {
	do(t, func(s *torch.Scope) {
		var got []string
		for _, e := range nn.StateDict(small(s)) {
			kind := "buffer"
			if e.Parameter {
				kind = "parameter"
			}
			got = append(got, fmt.Sprint(e.Name, " ", kind, " ", e.Tensor))
		}
		want := []string{
			"0.weight parameter float32[4 3 3 3]", "0.bias parameter float32[4]",
			"1.0.weight parameter float32[4]", "1.0.bias parameter float32[4]",
			"1.0.running_mean buffer float32[4]", "1.0.running_var buffer float32[4]",
			"1.0.num_batches_tracked buffer int64[]",
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q\nwant %q", got, want)
		}
	})
}

func TestTrainingModeMovesBatchNormStatistics(t *testing.T) {
	do(t, func(s *torch.Scope) {
		b := nn.NewBatchNorm2d(s, 1, 1e-5)
		x := torch.FromFloat32s(s, []float32{1, 2, 3, 6}, 2, 1, 1, 2) // mean 3, unbiased variance 14/3
		nn.SetTraining(b, true)
		b.Forward(s, x)
		mean, variance := torch.Item(b.RunningMean), torch.Item(b.RunningVar)
		if float32(mean) != 0.3 || float32(variance) != float32(0.9+0.1*14.0/3) || torch.Item(b.NumBatchesTracked) != 1 {
			t.Errorf("after a batch in training: mean %v, variance %v, %v batches", mean, variance, torch.Item(b.NumBatchesTracked))
		}
		nn.SetTraining(b, false)
		b.Forward(s, x)
		if torch.Item(b.RunningMean) != mean || torch.Item(b.NumBatchesTracked) != 1 {
			t.Error("evaluation moved the statistics")
		}
	})
}

func TestSetRequiresGrad(t *testing.T) {
	do(t, func(s *torch.Scope) {
		m := small(s)
		if got := len(nn.Trainable(m)); got != 4 {
			t.Errorf("%d trainable parameters, want 4", got)
		}
		nn.SetRequiresGrad(m, false)
		nn.SetRequiresGrad(m[0], true)
		if got := len(nn.Trainable(m)); got != 2 {
			t.Errorf("%d trainable parameters after freezing all but the first layer, want 2", got)
		}
	})
}

func TestLoadStateDictRoundTrip(t *testing.T) {
	do(t, func(s *torch.Scope) {
		torch.ManualSeed(1)
		a, b := small(s), small(s)
		if digest(a) == digest(b) {
			t.Fatal("two nets are equal from the start")
		}
		if err := nn.LoadStateDict(b, nn.Export(a)); err != nil {
			t.Fatal(err)
		}
		if digest(a) != digest(b) {
			t.Error("the nets differ after the load")
		}
	})
}

func TestLoadStateDictReportsEverythingAtOnce(t *testing.T) {
	do(t, func(s *torch.Scope) {
		m := small(s)
		before := digest(m)
		sd := nn.Export(m)
		sd.Tensors[0].Name = "0.wait"
		sd.Tensors[1].Shape = []int64{2, 2}
		err := nn.LoadStateDict(m, sd)
		if err == nil {
			t.Fatal("no error")
		}
		for _, want := range []string{"1 missing keys: 0.weight", "1 unexpected keys: 0.wait", "0.bias is [2 2], the model's is [4]"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q does not mention %q", err, want)
			}
		}
		if digest(m) != before {
			t.Error("a refused state dict changed the model")
		}

		sd = nn.Export(m)
		sd.Tensors = slices.DeleteFunc(sd.Tensors, func(t checkpoint.Tensor) bool { return strings.HasSuffix(t.Name, "num_batches_tracked") })
		if err := nn.LoadStateDict(m, sd); err != nil {
			t.Errorf("a file from before num_batches_tracked was refused: %v", err)
		}
	})
}

func ExampleStateDict() {
	err := torch.Do(context.Background(), func(s *torch.Scope) error {
		for _, e := range nn.StateDict(nn.NewLinear(s, 512, 2)) {
			fmt.Println(e.Name, e.Tensor.Shape())
		}
		return nil
	})
	fmt.Println(err)
	// Output:
	// weight [2 512]
	// bias [2]
	// <nil>
}
