package gradcam_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"

	"hymenoptera/gradcam"
	"hymenoptera/report"
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
	"hymenoptera/zoo"
)

// tolerance allows for the other order of sums in convolutions on other processors, after ten passes in training mode:
// the differences were under 1e-5 on the goldens' kind of processor (AVX512), 1.2e-5 on one with only AVX2.
const tolerance = 4e-5

// images repeats the images of scripts/make_gradcam_goldens.py.
func images(n, side int) []float32 {
	out := make([]float32, n*3*side*side)
	for i := range out {
		word := uint32(uint64(i)*2654435761 + uint64(i/side)*40503)
		out[i] = float32(float64(word)/(1<<32)*4 - 2)
	}
	return out
}

func TestMapsEqualPyTorch(t *testing.T) {
	var cases []struct {
		Model   string
		Seed    uint64
		Side    int
		Classes []int64
		Map     [2]int
		Peaks   []float64
		Values  [][]float32
		Large   []float32
	}
	data, err := os.ReadFile("testdata/goldens.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	before := torch.Live()
	for _, c := range cases {
		err := torch.Do(t.Context(), func(s *torch.Scope) error {
			arch, err := zoo.Find(c.Model)
			if err != nil {
				return err
			}
			torch.ManualSeed(c.Seed)
			net := arch.New(s, 5).(gradcam.Network)
			n := len(c.Classes)
			x := torch.FromFloat32s(s, images(n, c.Side), int64(n), 3, int64(c.Side), int64(c.Side))
			warm(s, net, x)
			maps, err := gradcam.Compute(s, net, x, c.Classes)
			if err != nil {
				return err
			}
			worst := 0.0
			for i, m := range maps {
				if m.Height != c.Map[0] || m.Width != c.Map[1] {
					t.Fatalf("%s: a map of %d×%d, want %v", c.Model, m.Height, m.Width, c.Map)
				}
				worst = max(worst, math.Abs(m.Peak-c.Peaks[i])/max(c.Peaks[i], 1e-3)) // one of them is 0
				for j, v := range m.Values {
					worst = max(worst, math.Abs(float64(v)-float64(c.Values[i][j])))
				}
			}
			large := int(math.Sqrt(float64(len(c.Large))))
			for j, v := range report.Enlarge(maps[0].Values, maps[0].Width, maps[0].Height, large, large) {
				worst = max(worst, math.Abs(float64(v)-float64(c.Large[j])))
			}
			t.Logf("%s: largest difference %.2g", c.Model, worst)
			if !(worst <= tolerance) {
				t.Errorf("%s: off by %v, want at most %v", c.Model, worst, tolerance)
			}
			for _, p := range nn.Parameters(net) {
				if !torch.RequiresGrad(p) || torch.Grad(s, p) != nil {
					t.Fatalf("%s: a parameter was changed or has a gradient", c.Model)
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	if got := torch.Live(); got != before {
		t.Errorf("%d live handles, want %d", got, before)
	}
}

// warm passes x through the network ten times in training mode, without dropout.
func warm(s *torch.Scope, net gradcam.Network, x *torch.Tensor) {
	nn.SetTraining(net, true)
	nn.Walk(net, func(m nn.Module) {
		if d, ok := m.(*nn.Dropout); ok {
			nn.SetTraining(d, false)
		}
	})
	torch.NoGrad(func() {
		for range 10 {
			c := s.Child()
			net.Classify(c, net.Features(c, x))
			c.Close()
		}
	})
}

func TestWrongClassesAreRefused(t *testing.T) {
	err := torch.Do(t.Context(), func(s *torch.Scope) error {
		arch, err := zoo.Find("resnet18")
		if err != nil {
			return err
		}
		net := arch.New(s, 2).(gradcam.Network)
		x := torch.FromFloat32s(s, images(1, 32), 1, 3, 32, 32)
		for _, classes := range [][]int64{{2}, {-1}, {0, 1}} {
			if _, err := gradcam.Compute(s, net, x, classes); err == nil {
				t.Errorf("classes %v of 2 for 1 image were accepted", classes)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func ExampleCompute() {
	err := torch.Do(context.Background(), func(s *torch.Scope) error {
		arch, err := zoo.Find("resnet18")
		if err != nil {
			return err
		}
		net := arch.New(s, 2).(gradcam.Network) // or one that was trained
		x := torch.FromFloat32s(s, images(1, 64), 1, 3, 64, 64)
		maps, err := gradcam.Compute(s, net, x, []int64{1})
		if err != nil {
			return err
		}
		fmt.Println(len(maps), maps[0].Width, maps[0].Height)
		return nil
	})
	fmt.Println(err)
	// Output:
	// 1 2 2
	// <nil>
}
