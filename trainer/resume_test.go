package trainer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hymenoptera/checkpoint"
	"hymenoptera/dataset"
	"hymenoptera/internal/synth"
	"hymenoptera/metrics"
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
	"hymenoptera/torch/optim"
	"hymenoptera/trainer"
	"hymenoptera/transforms"
)

// A dropping is a small network with dropout before its head.
type dropping struct {
	small
	drop *nn.Dropout
}

func newDropping(s *torch.Scope) *dropping {
	return &dropping{small: *newSmall(s).(*small), drop: nn.NewDropout(0.4)}
}

func (m *dropping) Forward(s *torch.Scope, x *torch.Tensor) *torch.Tensor {
	x = torch.ReLUInPlace(m.bn.Forward(s, m.conv.Forward(s, x)))
	return m.fc.Forward(s, m.drop.Forward(s, torch.Flatten(s, torch.AdaptiveAvgPool2d(s, x, 1), 1)))
}

func (m *dropping) Children() []nn.Child {
	return append(m.small.Children(), nn.Child{Name: "drop", Module: m.drop})
}

// A resumable is a small training that is stopped and resumed: 22 drawn pictures in batches of 8, 10 to validate with.
type resumable struct {
	root      string
	augment   string
	views     int // 1 or more trains the head on features
	wrong     bool
	cfg       trainer.Config
	loading   dataset.LoaderConfig
	optimizer func(s *torch.Scope, params []*torch.Tensor) optim.Optimizer
	scheduler func(opt optim.Optimizer) optim.Scheduler
}

// resumables are trainings of every kind.
func resumables(root string) map[string]resumable {
	sgd := func(cfg optim.SGDConfig) func(*torch.Scope, []*torch.Tensor) optim.Optimizer {
		return func(s *torch.Scope, params []*torch.Tensor) optim.Optimizer { return optim.NewSGD(s, params, cfg) }
	}
	adam := func(cfg optim.AdamConfig) func(*torch.Scope, []*torch.Tensor) optim.Optimizer {
		return func(s *torch.Scope, params []*torch.Tensor) optim.Optimizer { return optim.NewAdam(s, params, cfg) }
	}
	notebook := resumable{
		root: root, augment: "flip",
		cfg:       trainer.Config{Epochs: 3},
		loading:   dataset.LoaderConfig{BatchSize: 8, Shuffle: true, Workers: 2},
		optimizer: sgd(optim.SGDConfig{LR: 0.05, Momentum: 0.9}),
		scheduler: func(opt optim.Optimizer) optim.Scheduler { return optim.NewStepLR(opt, 1, 0.5) },
	}
	all := map[string]resumable{}
	for name, change := range map[string]func(r *resumable){
		"notebook":     func(*resumable) {},
		"no workers":   func(r *resumable) { r.loading.Workers = 0 },
		"one worker":   func(r *resumable) { r.loading.Workers, r.augment = 1, "trivial" },
		"many workers": func(r *resumable) { r.loading.Workers = 5 },
		"plain sgd":    func(r *resumable) { r.optimizer = sgd(optim.SGDConfig{LR: 0.05}); r.scheduler = nil },
		"fused": func(r *resumable) {
			r.optimizer = sgd(optim.SGDConfig{LR: 0.05, Momentum: 0.9, Nesterov: true, WeightDecay: 0.01, Fused: true, Capturable: true})
			r.loading.ChannelsLast, r.cfg.ChannelsLast, r.cfg.BFloat16 = true, true, true
		},
		"adam": func(r *resumable) {
			r.optimizer = adam(optim.AdamConfig{LR: 0.01, WeightDecay: 0.1})
			r.scheduler = func(opt optim.Optimizer) optim.Scheduler { return optim.NewExponentialLR(opt, 0.7) }
			r.cfg.ClipNorm, r.cfg.LabelSmoothing, r.cfg.ClassWeights = 0.5, 0.1, []float32{1, 2}
		},
		"adamw by step": func(r *resumable) {
			r.optimizer = adam(optim.AdamConfig{LR: 0.01, WeightDecay: 0.1, Decoupled: true})
			r.scheduler = func(opt optim.Optimizer) optim.Scheduler {
				return optim.NewWarmUp(opt, 0.1, 4, optim.NewCosineAnnealingLR(opt, 5))
			}
			r.cfg.ByStep = true
		},
		"average": func(r *resumable) { r.cfg.EMA, r.cfg.Best = 0.6, metrics.ByLoss },
		"sampling": func(r *resumable) {
			r.loading.Shuffle, r.loading.Weights = false, slices.Repeat([]float64{1, 3}, 11)
			r.cfg.Best = metrics.ByMacroF1
		},
		"head first":    func(r *resumable) { r.cfg.HeadEpochs = 2 },
		"async":         func(r *resumable) { r.cfg.Async = true },
		"pixels":        func(r *resumable) { r.loading.Pixels, r.augment = true, "trivial" },
		"resident":      func(r *resumable) { r.cfg.Resident = 1 << 30 },
		"features":      func(r *resumable) { r.views, r.loading.Shuffle = 2, false },
		"nothing right": func(r *resumable) { r.wrong = true },
	} {
		r := notebook
		change(&r)
		all[name] = r
	}
	return all
}

var errKilled = errors.New("killed")

// A life is the record of a training until it ended.
type life struct {
	phases  []metrics.Phase // without times
	moments int             // at which it could be copied
	weights []float32
	best    metrics.Phase
	state   *trainer.State // at its end, as read from a file
}

// live trains, from the beginning or from a state. If stop is not negative, it ends at that moment, counted from 0: the
// training is killed there or, with cancel, its context is cancelled one step before. best keeps the best weights, as a file
// does.
func (r resumable) live(t *testing.T, from *trainer.State, stop int, cancel bool, best *checkpoint.StateDict) life {
	t.Helper()
	before := torch.Live()
	l, err := r.train(t, from, stop, cancel, best)
	if stop < 0 && err != nil || stop >= 0 && !errors.Is(err, errKilled) {
		t.Fatalf("stopped at %d: error %v", stop, err)
	}
	if got := torch.Live(); got != before {
		t.Errorf("%d live handles, want %d", got, before)
	}
	return l
}

// train is live, but returns the error.
func (r resumable) train(t *testing.T, from *trainer.State, stop int, cancel bool, best *checkpoint.StateDict) (l life, err error) {
	t.Helper()
	train, val, err := dataset.Open(r.root)
	if err != nil {
		t.Fatal(err)
	}
	tf, err := transforms.Train(32).Augmented(r.augment)
	if err != nil {
		t.Fatal(err)
	}
	load := func(set *dataset.ImageFolder, tf transforms.Transform, cfg dataset.LoaderConfig) *dataset.Loader {
		if !tf.Random {
			cfg.Weights = nil
		}
		loader, err := dataset.NewLoader(set, tf, cfg)
		if err != nil {
			t.Fatal(err)
		}
		return loader
	}
	data := trainer.Data{Train: load(train, tf, r.loading), Val: load(val, transforms.Eval(32), r.loading)}
	ctx, end := context.WithCancel(t.Context())
	defer end()
	err = torch.Do(t.Context(), func(s *torch.Scope) error {
		if _, err := torch.Init(torch.Options{Threads: 1}); err != nil {
			return err
		}
		torch.ManualSeed(3)
		net := newDropping(s)
		if r.loading.ChannelsLast {
			nn.ToChannelsLast(net)
		}
		var module nn.Module = net // the network that is trained
		cfg := r.cfg
		cfg.Resume, cfg.Head = from, net.fc
		cfg.Hooks.PhaseEnd = func(p metrics.Phase) error {
			p.Seconds, p.Wait = 0, 0
			l.phases = append(l.phases, p)
			return nil
		}
		cfg.Hooks.Best = func(p metrics.Phase) error {
			best.Tensors = nn.Export(module).Tensors
			return nil
		}
		cfg.Hooks.Due = func(trainer.Moment) bool { return true }
		cfg.Hooks.Checkpoint = func(m trainer.Moment) error {
			if m.Cause != nil || l.moments == stop && !cancel {
				l.state = written(t, m.Copy(), *best)
				return errKilled
			}
			if l.moments++; l.moments == stop && cancel {
				end()
			}
			return nil
		}
		var features trainer.FeatureData
		if r.views > 0 {
			extracting := cfg
			extracting.Views = r.views
			var err error
			if features.Train, err = trainer.Extract(ctx, s, flattened{net}, data.Train, extracting); err != nil {
				return err
			}
			if features.Val, err = trainer.Extract(ctx, s, flattened{net}, data.Val, trainer.Config{}); err != nil {
				return err
			}
			module = net.fc
		}
		if r.wrong { // learns the other classes
			module = &inverted{net}
		}
		if from != nil { // a new process has other random states
			torch.ManualSeed(4)
		}
		cfg.Optimizer = r.optimizer(s, nn.Trainable(module))
		if r.scheduler != nil {
			cfg.Scheduler = r.scheduler(cfg.Optimizer)
		}
		var err error
		if r.views > 0 {
			l.best, err = trainer.FitFeatures(ctx, s, module, features, cfg)
		} else {
			l.best, err = trainer.Fit(ctx, s, module, data, cfg)
		}
		l.best.Seconds, l.best.Wait = 0, 0
		for _, e := range nn.StateDict(net) {
			l.weights = append(l.weights, torch.Float32s(s, torch.ToDType(s, e.Tensor, torch.Float32))...)
		}
		return err
	})
	return l, err
}

// flattened is a network without its head.
type flattened struct{ *dropping }

func (m flattened) Forward(s *torch.Scope, x *torch.Tensor) *torch.Tensor {
	x = torch.ReLUInPlace(m.bn.Forward(s, m.conv.Forward(s, x)))
	return torch.Flatten(s, torch.AdaptiveAvgPool2d(s, x, 1), 1)
}

// inverted takes every image for a class that none has.
type inverted struct{ *dropping }

func (m *inverted) Forward(s *torch.Scope, x *torch.Tensor) *torch.Tensor {
	y := m.dropping.Forward(s, x)
	third := torch.AddScalar(s, torch.Narrow(s, torch.MulScalar(s, y, 0), 1, 0, 1), 100)
	return torch.Cat(s, 1, y, third)
}

// written returns a state as it is read from files. The weights of the best phase come from another file.
func written(t *testing.T, st *trainer.State, best checkpoint.StateDict) *trainer.State {
	t.Helper()
	place, err := json.Marshal(st.Place)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "state.safetensors")
	if err := checkpoint.WriteSafetensors(file, &checkpoint.StateDict{Tensors: st.Tensors}); err != nil {
		t.Fatal(err)
	}
	sd, err := checkpoint.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	read := &trainer.State{Tensors: sd.Tensors, Best: st.Best}
	if err := json.Unmarshal(place, &read.Place); err != nil {
		t.Fatal(err)
	}
	if read.Best == nil && read.Place.Best.N > 0 {
		read.Best = &checkpoint.StateDict{Tensors: best.Tensors}
	}
	return read
}

// A training that is stopped at any moment and resumed ends as one that never stopped, to the last bit.
func TestResume(t *testing.T) {
	root := t.TempDir()
	if err := synth.Write(root, synth.Config{Seed: 1, Train: 11, Val: 5, MinSide: 36, MaxSide: 60}); err != nil {
		t.Fatal(err)
	}
	for name, r := range resumables(root) {
		t.Run(name, func(t *testing.T) {
			want := r.live(t, nil, -1, false, &checkpoint.StateDict{})
			check := func(how string, phases []metrics.Phase, l life) {
				t.Helper()
				if !slices.Equal(phases, want.phases) || !slices.Equal(l.weights, want.weights) || l.best != want.best {
					t.Errorf("%s: other bits:\ngot  %+v\nwant %+v", how, phases, want.phases)
				}
			}
			for at := range want.moments {
				cancel := at%2 == 1 && at < want.moments-1 // the last moment cannot be cancelled
				best := &checkpoint.StateDict{}
				first := r.live(t, nil, at, cancel, best)
				last := r.live(t, first.state, -1, false, best)
				check(fmt.Sprintf("moment %d, cancelled %v", at, cancel), append(first.phases, last.phases...), last)
			}
			// Again and again.
			best := &checkpoint.StateDict{}
			l := r.live(t, nil, 3, false, best)
			phases := l.phases
			for range 3 {
				l = r.live(t, l.state, 2, false, best)
				phases = append(phases, l.phases...)
			}
			l = r.live(t, l.state, -1, false, best)
			check("several times", append(phases, l.phases...), l)
		})
	}
}

// Fit refuses a state that lacks something or holds something that does not fit.
func TestStatesAreChecked(t *testing.T) {
	root := t.TempDir()
	if err := synth.Write(root, synth.Config{Seed: 1, Train: 11, Val: 5, MinSide: 36, MaxSide: 60}); err != nil {
		t.Fatal(err)
	}
	r := resumables(root)["sampling"]
	r.cfg.EMA = 0.5
	best := &checkpoint.StateDict{}
	good := r.live(t, nil, 9, false, best).state // in a validation phase
	if good.Pass == nil || good.Pass.Phase != "val" || good.Place.Best.N == 0 {
		t.Fatalf("the state is at %+v", good.Place)
	}
	refused := func(name string, change func(st *trainer.State)) {
		t.Helper()
		data, err := json.Marshal(good.Place)
		if err != nil {
			t.Fatal(err)
		}
		st := &trainer.State{Tensors: slices.Clone(good.Tensors), Best: &checkpoint.StateDict{Tensors: slices.Clone(good.Best.Tensors)}}
		if err := json.Unmarshal(data, &st.Place); err != nil {
			t.Fatal(err)
		}
		change(st)
		_, err = r.train(t, st, -1, false, best)
		var damaged *trainer.StateError
		if !errors.As(err, &damaged) {
			t.Errorf("%s: got %v, want a StateError", name, err)
		}
	}
	for i, tensor := range good.Tensors {
		if !strings.HasSuffix(tensor.Name, "momentum_buffer") { // parameters without a step have none
			refused("without "+tensor.Name, func(st *trainer.State) { st.Tensors = slices.Delete(st.Tensors, i, i+1) })
		}
		refused("another shape of "+tensor.Name, func(st *trainer.State) {
			st.Tensors[i].Shape, st.Tensors[i].Data = []int64{1}, make([]byte, tensor.DType.Size())
		})
		refused("another type of "+tensor.Name, func(st *trainer.State) {
			st.Tensors[i].DType, st.Tensors[i].Shape, st.Tensors[i].Data = checkpoint.Int8, []int64{1}, []byte{1}
		})
	}
	for name, change := range map[string]func(st *trainer.State){
		"another tensor": func(st *trainer.State) {
			st.Tensors = append(st.Tensors, checkpoint.Tensor{Name: "more", DType: checkpoint.Uint8})
		},
		"no best weights":      func(st *trainer.State) { st.Best = nil },
		"empty best weights":   func(st *trainer.State) { st.Best.Tensors = nil },
		"a late epoch":         func(st *trainer.State) { st.Epoch = 3 },
		"a negative epoch":     func(st *trainer.State) { st.Epoch = -1 },
		"another phase":        func(st *trainer.State) { st.Pass.Phase = "test" },
		"too many images":      func(st *trainer.State) { st.Pass.Done = 1000 },
		"too many right":       func(st *trainer.State) { st.Pass.Corrects = 1000 },
		"too many batches":     func(st *trainer.State) { st.Pass.Position.Batches = 1000 },
		"too few workers":      func(st *trainer.State) { st.Pass.Position.Drawn = nil },
		"endless draws":        func(st *trainer.State) { st.Pass.Position.Drawn[0] = 1 << 62 },
		"negative seconds":     func(st *trainer.State) { st.Pass.Seconds = -1 },
		"no scheduler":         func(st *trainer.State) { st.Scheduler = nil },
		"another scheduler":    func(st *trainer.State) { st.Scheduler.TMax = 1 },
		"another optimizer":    func(st *trainer.State) { st.Optimizer.Steps = []int{1} },
		"a negative rate":      func(st *trainer.State) { st.Optimizer.Rates[0] = -1 },
		"a best epoch to come": func(st *trainer.State) { st.Place.Best.Epoch = 9 },
		"another confusion": func(st *trainer.State) {
			i := slices.IndexFunc(st.Tensors, func(t checkpoint.Tensor) bool { return t.Name == "confusion" })
			st.Tensors[i] = checkpoint.Tensor{Name: "confusion", DType: checkpoint.Int64, Shape: []int64{3, 3}, Data: make([]byte, 72)}
		},
	} {
		refused(name, change)
	}
}
