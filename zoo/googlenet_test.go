package zoo

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"hymenoptera/torch"
	"hymenoptera/torch/nn"
)

// Files of torchvision must have auxiliary heads, which are dropped after loading; the input is renormalised.
func TestGoogLeNetLoadsAsTorchvision(t *testing.T) {
	data, err := os.ReadFile("testdata/networks.json")
	if err != nil {
		t.Fatal(err)
	}
	var g struct {
		CPU        string
		Pretrained struct {
			Entries int
			Init    string
			Eval    []float64
		}
	}
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	within := 0.0
	if got := torch.CPUCapability(); got != g.CPU {
		within = 1e-3
		t.Logf("goldens of %s, this machine has %s: comparing within %v", g.CPU, got, within)
	}
	err = torch.Do(t.Context(), func(s *torch.Scope) error {
		if _, err := torch.Init(torch.Options{Threads: 1}); err != nil {
			return err
		}
		torch.ManualSeed(5)
		sd := nn.Export(buildGoogLeNet(s, 4, true))
		if got := fmt.Sprintf("%x", sd.SHA256()); len(sd.Tensors) != g.Pretrained.Entries || within == 0 && got != g.Pretrained.Init {
			t.Errorf("%d entries with digest %s, want %d with %s", len(sd.Tensors), got, g.Pretrained.Entries, g.Pretrained.Init)
		}
		x := torch.UniformInPlace(torch.Empty(s, torch.Float32, torch.CPU, 2, 3, 64, 64), 0, 1)

		arch, err := Find("googlenet")
		if err != nil {
			return err
		}
		net, err := arch.Load(s, sd)
		if err != nil {
			return err
		}
		if got := len(nn.StateDict(net)); got != 344 {
			t.Errorf("%d entries once the heads are dropped, want 344", got)
		}
		nn.SetTraining(net, false)
		torch.NoGrad(func() {
			for i, got := range torch.Float32s(s, net.Forward(s, x)) {
				if want := g.Pretrained.Eval[i]; math.Abs(float64(got)-want) > within {
					t.Errorf("logit %d is %v, want %v", i, got, want)
				}
			}
		})

		// Our own files have no heads; whether the input is renormalised is in their metadata.
		own := nn.Export(net)
		for value, want := range map[string]bool{"": true, "true": true, "false": false} {
			own.Metadata = map[string]string{TransformInputKey: value}
			again, err := arch.Load(s, own)
			if err != nil {
				return err
			}
			if got := again.(*GoogLeNet).TransformInput(); got != want {
				t.Errorf("metadata %q: TransformInput is %v, want %v", value, got, want)
			}
		}

		for i, e := range sd.Tensors {
			if e.Name == "aux2.fc1.bias" {
				sd.Tensors = append(sd.Tensors[:i:i], sd.Tensors[i+1:]...)
				break
			}
		}
		if _, err := arch.Load(s, sd); err == nil || !strings.Contains(err.Error(), "missing keys: aux2.fc1.bias") {
			t.Errorf("without a key of an auxiliary head: got error %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// An auxiliary head has a working forward pass, with the shape that its weights imply.
func TestAuxHeadShape(t *testing.T) {
	err := torch.Do(t.Context(), func(s *torch.Scope) error {
		head := newAuxHead(s, 512, 7)
		if got := head.Forward(s, torch.Zeros(s, torch.Float32, torch.CPU, 2, 512, 14, 14)).Shape(); fmt.Sprint(got) != "[2 7]" {
			t.Errorf("shape %v, want [2 7]", got)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
