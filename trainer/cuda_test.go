package trainer_test

import (
	"image"
	"math"
	"os"
	"slices"
	"testing"

	"hymenoptera/torch"
	"hymenoptera/torch/nn"
	"hymenoptera/torch/vision"
	"hymenoptera/transforms"
	"hymenoptera/zoo"
)

// Tests that need a GPU. `make gpu-check` runs them on one, with HYMENOPTERA_GPU=1, and then they may not be skipped.

// cuda returns the first CUDA device.
func cuda(t *testing.T) (device torch.Device) {
	t.Helper()
	device, err := torch.Init(torch.Options{Device: "cuda"})
	if err == nil {
		err = torch.LoadGraphs()
	}
	if err != nil {
		if os.Getenv("HYMENOPTERA_GPU") != "" {
			t.Fatal(err)
		}
		t.Skipf("not run, as this needs a GPU (make gpu-check): %v", err)
	}
	return device
}

// onCUDA runs f inside torch.Do and fails on an error or a leaked handle.
func onCUDA(t *testing.T, f func(s *torch.Scope, device torch.Device)) {
	t.Helper()
	device, before := cuda(t), torch.Live()
	if err := torch.Do(t.Context(), func(s *torch.Scope) error { f(s, device); return nil }); err != nil {
		t.Fatal(err)
	}
	if got := torch.Live(); got != before {
		t.Errorf("%d live handles, want %d", got, before)
	}
}

func TestCUDAUploads(t *testing.T) {
	onCUDA(t, func(s *torch.Scope, device torch.Device) {
		pinned := torch.EmptyPinned(s, torch.Uint8, 8, 64, 64, 3)
		bytes := torch.Bytes(pinned)
		for round := range 50 {
			for i := range bytes {
				bytes[i] = byte(i*31 + round)
			}
			c := s.Child()
			up := torch.Upload(c, pinned, device)
			sum := torch.Sum(c, up) // waits for no earlier work: the copy has ended
			for i := range bytes {
				bytes[i] = 0 // must not reach the device
			}
			want := 0
			for i := range bytes {
				want += int(byte(i*31 + round))
			}
			if got := int(torch.Item(sum)); got != want {
				t.Fatalf("round %d: the bytes sum up to %d, want %d", round, got, want)
			}
			c.Close()
		}
	})
}

// The bits are equal because division by a tensor is rounded as on the host.
func TestCUDANormalizerHasTheHostsBits(t *testing.T) {
	onCUDA(t, func(s *torch.Scope, device torch.Device) {
		tf := transforms.Train(16)
		values := make([]float32, 3*256)
		for i := range values {
			values[i] = float32(i % 256)
		}
		x := torch.FromFloat32s(s, values, 1, 3, 16, 16)
		want := torch.Float32s(s, vision.NewNormalizer(s, tf.Mean, tf.Std, torch.CPU).Apply(s, x))
		got := torch.Float32s(s, vision.NewNormalizer(s, tf.Mean, tf.Std, device).Apply(s, torch.To(s, x, device)))
		if !slices.Equal(got, want) {
			t.Errorf("other bits: got %v, want %v", got[:4], want[:4])
		}
	})
}

func TestCUDACropsAreTheHosts(t *testing.T) {
	onCUDA(t, func(s *torch.Scope, device torch.Device) {
		pixels := make([]byte, 3*333*500)
		for i := range pixels {
			pixels[i] = byte(uint32(i*2654435761) >> 24)
		}
		host := torch.FromBytes(s, torch.Uint8, pixels, 1, 3, 333, 500)
		for i, crop := range []image.Rectangle{image.Rect(0, 0, 500, 333), image.Rect(40, 30, 140, 91), image.Rect(7, 300, 499, 303)} {
			var out [2][]float32
			for j, d := range []torch.Device{torch.CPU, device} {
				x := torch.Zeros(s, torch.Float32, d, 1, 3, 224, 224)
				vision.ResizedCrop(s, x, torch.To(s, host, d), crop, i == 1)
				out[j] = torch.Float32s(s, x)
			}
			differ := 0
			for k := range out[0] {
				if d := math.Abs(float64(out[0][k] - out[1][k])); d > 1 {
					t.Fatalf("crop %v: number %d is %v, on the host %v", crop, k, out[1][k], out[0][k])
				} else if d > 0 {
					differ++
				}
			}
			if 100*differ > len(out[0]) {
				t.Errorf("crop %v: %d of %d numbers differ by 1, over 1 %%", crop, differ, len(out[0]))
			}
			t.Logf("crop %v: %d of %d numbers differ by 1", crop, differ, len(out[0]))
		}
	})
}

// A replayed graph reads the present values of its inputs, and draws new random numbers each time.
func TestCUDAGraphs(t *testing.T) {
	onCUDA(t, func(s *torch.Scope, device torch.Device) {
		x, y := torch.Zeros(s, torch.Float32, device, 1000), torch.Zeros(s, torch.Float32, device)
		dropped := torch.Zeros(s, torch.Float32, device, 1000)
		work := func() {
			c := s.Child()
			defer c.Close()
			torch.CopyInPlace(y, torch.Sum(c, torch.MulScalar(c, x, 2)))
			torch.CopyInPlace(dropped, torch.Dropout(c, torch.AddScalar(c, x, 1), 0.5, true))
		}
		work()
		g := torch.NewGraph(s, device, work)
		var before []float32
		for round := range 3 {
			torch.FillInPlace(x, float64(round))
			g.Replay()
			if got := torch.Item(y); got != 2000*float64(round) {
				t.Errorf("round %d: got %v, want %v", round, got, 2000*round)
			}
			now := torch.Float32s(s, torch.MulScalar(s, dropped, 1/float64(round+1)))
			if slices.Equal(now, before) {
				t.Errorf("round %d: the same elements were dropped", round)
			}
			before = now
		}
	})
}

// On a GPU sums come in another order, and convolutions are rounded to TensorFloat32 as in PyTorch.
func TestCUDAExactIsCloseToTheHost(t *testing.T) {
	device := cuda(t)
	want, _ := exactMode(torch.CPU).run(t)
	m := exactMode(device)
	got, _ := m.run(t)
	near(t, got, want, 1e-3)
	m.loading.Pixels = true
	got, _ = m.run(t)
	near(t, got, want, 1e-3)
}

// fastMode is what --fast does on a GPU.
func fastMode(device torch.Device, net func(s *torch.Scope) nn.Module) mode {
	m := exactMode(device)
	m.net = net
	m.cfg.Async, m.cfg.Graph, m.cfg.Resident, m.cfg.BFloat16 = true, true, 1<<30, true
	m.loading.ChannelsLast, m.loading.Pixels = true, true
	m.sgd.Fused, m.sgd.Capturable = true, true
	return m
}

func resNet18(s *torch.Scope) nn.Module {
	arch, err := zoo.Find("resnet18")
	if err != nil {
		panic(err)
	}
	return arch.New(s, 2)
}

// Removing one part of the fast mode changes little, for a robust network and for a ResNet18 that learns so slowly that
// rounding errors cannot grow.
func TestCUDAFastIsCloseToExact(t *testing.T) {
	device := cuda(t)
	for _, tt := range []struct {
		name   string
		net    func(s *torch.Scope) nn.Module
		lr     float64
		within float64
	}{{"small", newSmall, 0.05, 0.01}, {"resnet18", resNet18, 0.0001, 0.06}} {
		exact := exactMode(device)
		exact.net, exact.sgd.LR = tt.net, tt.lr
		want, _ := exact.run(t)
		for name, change := range map[string]func(m *mode){
			"all":                 func(*mode) {},
			"without graph":       func(m *mode) { m.cfg.Graph = false },
			"without residence":   func(m *mode) { m.cfg.Resident = 0 },
			"without bfloat16":    func(m *mode) { m.cfg.BFloat16 = false },
			"without async":       func(m *mode) { m.cfg.Async = false },
			"with folded weights": func(m *mode) { m.cfg.Fold = tt.name == "resnet18" },
		} {
			t.Run(tt.name+" "+name, func(t *testing.T) {
				m := fastMode(device, tt.net)
				m.sgd.LR = tt.lr
				change(&m)
				got, _ := m.run(t)
				near(t, got, want, tt.within)
			})
		}
	}
}

// A training with graphs moves the weights as one without, with StepLR's rate, momentum, and a last batch that is not full.
func TestCUDAGraphMovesTheWeights(t *testing.T) {
	device := cuda(t)
	m := fastMode(device, newSmall)
	m.cfg.BFloat16 = false
	_, replayed := m.run(t)
	m.cfg.Graph = false
	_, want := m.run(t)
	worst := 0.0
	for i := range want {
		worst = max(worst, math.Abs(float64(replayed[i]-want[i])))
	}
	if !(worst <= 1e-4) {
		t.Errorf("weights differ by %v", worst)
	}
	t.Logf("weights differ by at most %.2g", worst)
}

func TestCUDALeaksNothing(t *testing.T) {
	device := cuda(t)
	memory := func() (m torch.DeviceMemory) {
		err := torch.Do(t.Context(), func(*torch.Scope) error { m = torch.MemoryOf(device); return nil })
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	for name, m := range map[string]mode{"exact": exactMode(device), "fast": fastMode(device, resNet18)} {
		m.run(t)
		before := memory()
		m.cfg.Epochs = 30
		m.run(t)
		after := memory()
		if after.Allocated > before.Allocated {
			t.Errorf("%s: %d bytes of tensors after 30 more epochs, %d before", name, after.Allocated, before.Allocated)
		}
		t.Logf("%s: %.1f MB of tensors afterwards, %.1f MB at most, %.1f GB free on the device", name,
			float64(after.Allocated)/1e6, float64(after.Peak)/1e6, float64(after.Free)/1e9)
	}
}
