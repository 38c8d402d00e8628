package zoo_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"hymenoptera/torch"
	"hymenoptera/torch/nn"
	"hymenoptera/zoo"
)

// golden is an entry of testdata/networks.json, made by scripts/make_network_goldens.py with torchvision.
type golden struct {
	Entries     int
	Keys, Init  string
	Next        float64
	Eval, Train []float64
}

func readGoldens(t *testing.T) (cpu string, networks map[string]golden) {
	t.Helper()
	data, err := os.ReadFile("testdata/networks.json")
	if err != nil {
		t.Fatal(err)
	}
	var g struct {
		CPU      string
		Networks map[string]golden
	}
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	return g.CPU, g.Networks
}

// Keys, shapes, initial weights and logits of every network are torchvision's. If libtorch uses other vector instructions
// than on the goldens' machine, sums have another order, and the values of a deep untrained network, whose scale grows with
// every block, agree to three digits.
func TestNetworksEqualTorchvision(t *testing.T) {
	cpu, goldens := readGoldens(t)
	exact := torch.CPUCapability() == cpu
	t.Logf("goldens of %s, this machine has %s; comparing bit for bit: %v", cpu, torch.CPUCapability(), exact)
	for _, name := range zoo.Names() {
		t.Run(name, func(t *testing.T) {
			want, ok := goldens[name]
			if !ok {
				t.Fatal("no golden")
			}
			if testing.Short() && want.Entries > 400 {
				t.Skip("a large network; run without -short")
			}
			before := torch.Live()
			err := torch.Do(t.Context(), func(s *torch.Scope) error {
				if _, err := torch.Init(torch.Options{Threads: 1}); err != nil {
					return err
				}
				arch, err := zoo.Find(name)
				if err != nil {
					return err
				}
				torch.ManualSeed(5)
				net := arch.New(s, 4)
				var keys strings.Builder
				for _, e := range nn.StateDict(net) {
					shape := strings.Join(strings.Fields(fmt.Sprint(e.Tensor.Shape())), ", ")
					fmt.Fprintf(&keys, "%s %s\n", e.Name, shape)
				}
				if got := fmt.Sprintf("%x", sha256.Sum256([]byte(keys.String()))); got != want.Keys {
					t.Errorf("keys and shapes differ from torchvision's; ours:\n%s", &keys)
				}
				if got := fmt.Sprintf("%x", nn.Export(net).SHA256()); exact && got != want.Init {
					t.Errorf("initial weights: digest %s, want %s", got, want.Init)
				}
				x := torch.UniformInPlace(torch.Empty(s, torch.Float32, torch.CPU, 2, 3, 64, 64), 0, 1)
				next := torch.UniformInPlace(torch.Empty(s, torch.Float32, torch.CPU, 1), 0, 1)
				if got := torch.Item(next); got != want.Next {
					t.Errorf("the next random number is %v, want %v: another number of words was drawn", got, want.Next)
				}
				torch.NoGrad(func() {
					nn.SetTraining(net, false)
					compare(t, "eval", torch.Float32s(s, net.Forward(s, x)), want.Eval, exact)
					nn.SetTraining(net, true)
					torch.ManualSeed(6)
					compare(t, "train", torch.Float32s(s, net.Forward(s, x)), want.Train, exact)
				})
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := torch.Live(); got != before {
				t.Errorf("%d live handles, want %d", got, before)
			}
		})
	}
}

func compare(t *testing.T, mode string, got []float32, want []float64, exact bool) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d logits, want %d", mode, len(got), len(want))
	}
	within := 0.0
	if !exact {
		for _, w := range want {
			within = max(within, 1e-3*math.Abs(w))
		}
	}
	for i, g := range got {
		if math.Abs(float64(g)-want[i]) > within {
			t.Errorf("%s: logit %d is %v, want %v", mode, i, g, want[i])
		}
	}
}

func TestLoadIsStrict(t *testing.T) {
	err := torch.Do(t.Context(), func(s *torch.Scope) error {
		resnet, err := zoo.Find("resnet18")
		if err != nil {
			return err
		}
		sd := nn.Export(resnet.New(s, 7))
		net, err := resnet.Load(s, sd)
		if err != nil {
			return err
		}
		if got := net.Head().Out(); got != 7 {
			t.Errorf("the head has %d classes, want the file's 7", got)
		}
		for _, a := range zoo.Names() {
			from, err := zoo.Find(a)
			if err != nil {
				return err
			}
			weights := nn.Export(from.New(s, 7))
			for _, b := range []string{"resnet18", "resnet34", "resnet50", "googlenet"} {
				to, err := zoo.Find(b)
				if err != nil {
					return err
				}
				if _, err = to.Load(s, weights); (err == nil) != (a == b) || err != nil && !strings.Contains(err.Error(), "not the weights of "+b+": they look like those of "+a) {
					t.Errorf("%s: loading the weights of %s gave error %v", b, a, err)
				}
			}
		}
		sd.Tensors = sd.Tensors[1:]
		if _, err = resnet.Load(s, sd); err == nil || !strings.Contains(err.Error(), "missing keys") {
			t.Errorf("weights without their first tensor gave error %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestFindNamesWhatThereIs(t *testing.T) {
	if _, err := zoo.Find("resnet19"); err == nil || !strings.Contains(err.Error(), "resnet18") {
		t.Errorf("got error %v, want one that names resnet18", err)
	}
}

func Example() {
	err := torch.Do(context.Background(), func(s *torch.Scope) error {
		arch, err := zoo.Find("resnet18")
		if err != nil {
			return err
		}
		net := arch.New(s, 1000)
		nn.SetRequiresGrad(net, false) // frozen, but for the new head
		zoo.ReplaceHead(s, net, 2)
		images := torch.Zeros(s, torch.Float32, torch.CPU, 1, 3, 64, 64)
		fmt.Println(net.Forward(s, images).Shape(), len(nn.Trainable(net)))
		return nil
	})
	fmt.Println(err)
	// Output:
	// [1 2] 2
	// <nil>
}
