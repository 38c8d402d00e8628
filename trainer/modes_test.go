package trainer_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"hymenoptera/dataset"
	"hymenoptera/internal/synth"
	"hymenoptera/metrics"
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
	"hymenoptera/torch/optim"
	"hymenoptera/trainer"
	"hymenoptera/transforms"
)

// A small is a network whose losses depend little on rounding: one convolution of the pictures' means.
type small struct {
	conv *nn.Conv2d
	bn   *nn.BatchNorm2d
	fc   *nn.Linear
}

func newSmall(s *torch.Scope) nn.Module {
	return &small{nn.NewConv2d(s, nn.Conv2dConfig{In: 3, Out: 8, Kernel: 3, Stride: 2}), nn.NewBatchNorm2d(s, 8, 1e-5), nn.NewLinear(s, 8, 2)}
}

func (m *small) Forward(s *torch.Scope, x *torch.Tensor) *torch.Tensor {
	x = torch.ReLUInPlace(m.bn.Forward(s, m.conv.Forward(s, x)))
	return m.fc.Forward(s, torch.Flatten(s, torch.AdaptiveAvgPool2d(s, x, 1), 1))
}

func (m *small) Children() []nn.Child {
	return []nn.Child{{Name: "conv", Module: m.conv}, {Name: "bn", Module: m.bn}, {Name: "fc", Module: m.fc}}
}

// A mode is how a small training runs: on 22 drawn pictures, in batches of 8.
type mode struct {
	net     func(s *torch.Scope) nn.Module
	cfg     trainer.Config
	loading dataset.LoaderConfig
	sgd     optim.SGDConfig
}

// exactMode computes as the notebook does, on a device.
func exactMode(device torch.Device) mode {
	return mode{
		net:     newSmall,
		cfg:     trainer.Config{Epochs: 3, Mode: trainer.Mode{Device: device}},
		loading: dataset.LoaderConfig{BatchSize: 8, Shuffle: true, Workers: 2},
		sgd:     optim.SGDConfig{LR: 0.05, Momentum: 0.9},
	}
}

// run trains and returns the phases without their times, and the parameters at the end.
func (m mode) run(t *testing.T) (phases []metrics.Phase, weights []float32) {
	t.Helper()
	root := t.TempDir()
	if err := synth.Write(root, synth.Config{Seed: 1, Train: 11, Val: 5, MinSide: 40, MaxSide: 90}); err != nil {
		t.Fatal(err)
	}
	train, val, err := dataset.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	load := func(set *dataset.ImageFolder, tf transforms.Transform) *dataset.Loader {
		l, err := dataset.NewLoader(set, tf, m.loading)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	data := trainer.Data{Train: load(train, transforms.Train(48)), Val: load(val, transforms.Eval(48))}
	before := torch.Live()
	err = torch.Do(t.Context(), func(s *torch.Scope) error {
		if _, err := torch.Init(torch.Options{Threads: 1}); err != nil {
			return err
		}
		torch.ManualSeed(3)
		net := m.net(s)
		nn.To(net, m.cfg.Device)
		if m.loading.ChannelsLast {
			nn.ToChannelsLast(net)
		}
		cfg := m.cfg
		cfg.Optimizer = optim.NewSGD(s, nn.Trainable(net), m.sgd)
		cfg.Scheduler = optim.NewStepLR(cfg.Optimizer, 1, 0.5)
		cfg.Hooks.PhaseEnd = func(p metrics.Phase) error {
			p.Seconds, p.Wait = 0, 0
			phases = append(phases, p)
			return nil
		}
		_, err := trainer.Fit(t.Context(), s, net, data, cfg)
		for _, p := range nn.Parameters(net) {
			weights = append(weights, torch.Float32s(s, p)...)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := torch.Live(); got != before {
		t.Errorf("%d live handles, want %d", got, before)
	}
	return phases, weights
}

// near fails the test unless the losses of two trainings differ by at most the given share.
func near(t *testing.T, got, want []metrics.Phase, within float64) {
	t.Helper()
	if len(got) != len(want) || len(want) == 0 {
		t.Fatalf("%d phases, want %d", len(got), len(want))
	}
	worst := 0.0
	for i := range want {
		worst = max(worst, math.Abs(got[i].Loss-want[i].Loss)/want[i].Loss)
		if got[i].N != want[i].N || got[i].LR != want[i].LR {
			t.Errorf("phase %d: got %+v, want %+v", i, got[i], want[i])
		}
	}
	if !(worst <= within) {
		t.Errorf("losses differ by %.2g, want at most %g\ngot  %+v\nwant %+v", worst, within, got, want)
	}
	t.Logf("losses differ by at most %.2g of themselves", worst)
}

// Sums on the device and pixels that are normalised by libtorch change no bit.
func TestModesThatChangeNoBit(t *testing.T) {
	want, weights := exactMode(torch.CPU).run(t)
	async, pixels := exactMode(torch.CPU), exactMode(torch.CPU)
	async.cfg.Async = true
	pixels.loading.Pixels = true
	for name, m := range map[string]mode{"async": async, "pixels": pixels} {
		got, w := m.run(t)
		if !slices.Equal(got, want) || !slices.Equal(w, weights) {
			t.Errorf("%s: other bits:\ngot  %+v\nwant %+v", name, got, want)
		}
	}
}

// A resident set gives the same crops, resized in floats. Some numbers differ by 1, and the curve stays close.
func TestResidentIsClose(t *testing.T) {
	want, _ := exactMode(torch.CPU).run(t)
	m := exactMode(torch.CPU)
	m.cfg.Resident = 1 << 30
	got, _ := m.run(t)
	if slices.Equal(got, want) {
		t.Error("equal bits: the pictures were not resized on the device")
	}
	near(t, got, want, 1e-3)
	m.cfg.Resident = 1 // into which the set does not fit
	if got, _ := m.run(t); !slices.Equal(got, want) {
		t.Errorf("without room: got %+v, want %+v", got, want)
	}
}

// A rate that lies on the device does not change the optimizer's results.
func TestCapturableSGDIsFusedSGD(t *testing.T) {
	fused := exactMode(torch.CPU)
	fused.sgd.Fused = true
	want, _ := fused.run(t)
	fused.sgd.Capturable = true
	got, _ := fused.run(t)
	near(t, got, want, 1e-5) // the rate is rounded to float32
}

func TestAsyncFindsLossesThatAreNotFinite(t *testing.T) {
	data := lopsided(t)
	err := torch.Do(t.Context(), func(s *torch.Scope) error {
		m := &scripted{guesses: []int{1}, bn: nn.NewBatchNorm2d(s, 1, 1e-5), loss: func(l []float32) { l[0] = float32(math.NaN()) }}
		_, err := trainer.Fit(t.Context(), s, m, data, halving(s, m, trainer.Config{Epochs: 1, Mode: trainer.Mode{Async: true}}))
		return err
	})
	var loss *trainer.LossError
	if want := "trainer: the loss became NaN in epoch 0, train, at learning rate 0.5"; !errors.As(err, &loss) || loss.Step != -1 || err.Error() != want {
		t.Errorf("got %+v, %v, want %s", loss, err, want)
	}
}
