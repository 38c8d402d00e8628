package trainer_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
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

// lopsided returns loaders of 6 training images and, so that a constant guess tells the classes apart, of 1
// ant and 3 bees for validation.
func lopsided(t *testing.T) trainer.Data {
	t.Helper()
	root := t.TempDir()
	if err := synth.Write(root, synth.Config{Seed: 1, Train: 3, Val: 3, MinSide: 16, MaxSide: 20}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"001.jpg", "002.jpg"} {
		if err := os.Remove(filepath.Join(root, "val", "ants", name)); err != nil {
			t.Fatal(err)
		}
	}
	train, val, err := dataset.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	load := func(set *dataset.ImageFolder, tf transforms.Transform) *dataset.Loader {
		l, err := dataset.NewLoader(set, tf, dataset.LoaderConfig{BatchSize: 2, Shuffle: true, Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	return trainer.Data{Train: load(train, transforms.Train(8)), Val: load(val, transforms.Eval(8))}
}

// scripted is a model that guesses one class in each epoch's validation: 0 gives accuracy 0.25, 1 gives
// 0.75, and 2, which is no image's, gives 0. Its weight counts the training steps.
type scripted struct {
	bn      *nn.BatchNorm2d
	guesses []int
	epoch   int
	loss    func(logits []float32) // changes the logits, if not nil
	images  func(x *torch.Tensor)  // called with the images, if not nil
}

func (m *scripted) Forward(s *torch.Scope, x *torch.Tensor) *torch.Tensor {
	n := x.Shape()[0]
	classes := int64(max(2, slices.Max(m.guesses)+1))
	logits := make([]float32, classes*n)
	for i := range n {
		logits[classes*i+int64(m.guesses[min(m.epoch, len(m.guesses)-1)])] = 1
	}
	if m.images != nil {
		m.images(x)
	}
	if m.loss != nil {
		m.loss(logits)
	}
	if torch.GradEnabled() {
		torch.NoGrad(func() { torch.AddScalarInPlace(m.bn.Weight, 1) })
		torch.AddScalarInPlace(m.bn.RunningMean, 1)
	}
	constant := torch.FromFloat32s(s, logits, n, classes)
	return torch.Add(s, constant, torch.MulScalar(s, torch.Sum(s, m.bn.Weight), 0))
}

func (m *scripted) Children() []nn.Child { return []nn.Child{{Name: "bn", Module: m.bn}} }

// recorder writes down which hooks are called.
type recorder struct {
	model  *scripted
	events []string
	phases []metrics.Phase
	after  func(event string) error
}

func (r *recorder) add(format string, args ...any) error {
	e := fmt.Sprintf(format, args...)
	r.events = append(r.events, e)
	if r.after != nil {
		return r.after(e)
	}
	return nil
}

func (r *recorder) hooks() trainer.Hooks {
	return trainer.Hooks{
		EpochStart: func(epoch int) error {
			r.model.epoch = epoch
			return r.add("start %d", epoch)
		},
		Step: func(epoch int, phase string, done, n int) { r.add("%d %s %d/%d", epoch, phase, done, n) },
		PhaseEnd: func(p metrics.Phase) error {
			r.phases = append(r.phases, p)
			return r.add("%s end", p.Name)
		},
		Best:     func(p metrics.Phase) error { return r.add("best %d", p.Epoch) },
		EpochEnd: func(epoch int) error { return r.add("end %d", epoch) },
	}
}

// halving sets cfg's optimizer, with a rate of 0.5 that halves every second epoch.
func halving(s *torch.Scope, m nn.Module, cfg trainer.Config) trainer.Config {
	cfg.Optimizer = optim.NewSGD(s, nn.Trainable(m), optim.SGDConfig{LR: 0.5})
	cfg.Scheduler = optim.NewStepLR(cfg.Optimizer, 2, 0.5)
	return cfg
}

// fit trains a scripted model. It returns what Fit did, and the weight and running mean that the model was left with.
func fit(t *testing.T, ctx context.Context, m *scripted, epochs int, after func(string) error) (r *recorder, best metrics.Phase, weight, mean float64, err error) {
	t.Helper()
	data, before := lopsided(t), torch.Live()
	err = torch.Do(context.Background(), func(s *torch.Scope) error {
		torch.ManualSeed(1)
		m.bn = nn.NewBatchNorm2d(s, 1, 1e-5)
		r = &recorder{model: m, after: after}
		var err error
		best, err = trainer.Fit(ctx, s, m, data, halving(s, m, trainer.Config{Epochs: epochs, Hooks: r.hooks()}))
		weight, mean = torch.Item(m.bn.Weight), torch.Item(m.bn.RunningMean)
		return err
	})
	if got := torch.Live(); got != before {
		t.Errorf("%d live handles, want %d", got, before)
	}
	return r, best, weight, mean, err
}

func TestBestIsTheFirstStrictlyGreater(t *testing.T) {
	r, best, weight, mean, err := fit(t, t.Context(), &scripted{guesses: []int{0, 1, 1, 0}}, 4, nil)
	if err != nil {
		t.Fatal(err)
	}
	if best.Epoch != 1 || best.Acc != 0.75 || best.Corrects != 3 || best.N != 4 {
		t.Errorf("best is %+v, want epoch 1 with 3 of 4", best)
	}
	// Three steps per epoch: after epoch 1 the weight is 1+6 and the running mean 6.
	if weight != 7 || mean != 6 {
		t.Errorf("the model was left with weight %v and running mean %v, want those of epoch 1: 7 and 6", weight, mean)
	}
	if got := slices.DeleteFunc(slices.Clone(r.events), func(e string) bool { return !strings.HasPrefix(e, "best") }); !slices.Equal(got, []string{"best 0", "best 1"}) {
		t.Errorf("got %q, want best 0 and best 1", got)
	}
	want := []string{"start 0", "0 train 0/6", "0 train 2/6", "0 train 4/6", "0 train 6/6", "train end", "0 val 0/4", "0 val 2/4", "0 val 4/4", "val end", "best 0", "end 0"}
	if got := r.events[:len(want)]; !slices.Equal(got, want) {
		t.Errorf("events of epoch 0:\n got %q\nwant %q", got, want)
	}
}

// If no epoch gets an image right, Fit keeps the last weights, even if it is cancelled. As in the notebook, it then calls
// Best for no epoch.
func TestNothingRightKeepsTheLast(t *testing.T) {
	for _, stopped := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		r, best, weight, mean, err := fit(t, ctx, &scripted{guesses: []int{2}}, 3, func(e string) error {
			if stopped && e == "2 train 2/6" {
				cancel()
			}
			return nil
		})
		cancel()
		want := 2
		if stopped {
			want = 1
		}
		if stopped != errors.Is(err, context.Canceled) || best.Epoch != want || best.N != 4 || best.Corrects != 0 {
			t.Errorf("stopped %v: best %+v, error %v, want epoch %d with 0 of 4", stopped, best, err, want)
		}
		if steps := float64(3 * (want + 1)); weight != 1+steps || mean != steps {
			t.Errorf("stopped %v: the model was left with weight %v and running mean %v, want those of epoch %d", stopped, weight, mean, want)
		}
		if slices.ContainsFunc(r.events, func(e string) bool { return strings.HasPrefix(e, "best") }) {
			t.Errorf("Best was called: %q", r.events)
		}
	}
}

func TestPhasesAreWhatTheNotebookComputes(t *testing.T) {
	r, _, _, _, err := fit(t, t.Context(), &scripted{guesses: []int{1}}, 3, nil)
	if err != nil {
		t.Fatal(err)
	}
	right, wrong := -math.Log(math.E/(1+math.E)), -math.Log(1/(1+math.E))
	for i, p := range r.phases {
		want := (3*right + 3*wrong) / 6
		if p.Name == "val" {
			want = (3*right + wrong) / 4
		}
		if math.Abs(p.Loss-want) > 1e-6 {
			t.Errorf("phase %d: loss %v, want %v", i, p.Loss, want)
		}
		// The rate halves after two epochs, and val shows the rate after the scheduler's step.
		if wantLR := []float64{0.5, 0.5, 0.5, 0.25, 0.25, 0.25}[i]; p.LR != wantLR {
			t.Errorf("phase %d: rate %v, want %v", i, p.LR, wantLR)
		}
	}
}

func TestCancelKeepsTheBest(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	goroutines := runtime.NumGoroutine()
	r, best, weight, _, err := fit(t, ctx, &scripted{guesses: []int{1}}, 5, func(e string) error {
		if e == "1 train 2/6" {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got error %v, want context.Canceled", err)
	}
	if best.Epoch != 0 || best.N == 0 || weight != 4 {
		t.Errorf("best %+v and weight %v, want those of epoch 0: weight 4", best, weight)
	}
	if last := r.events[len(r.events)-1]; last != "1 train 2/6" {
		t.Errorf("went on to %q after the cancellation", last)
	}
	if got := runtime.NumGoroutine(); got > goroutines+1 { // libtorch's own may have started
		t.Errorf("%d goroutines, %d before", got, goroutines)
	}
}

func TestErrorOfAHookEndsTheTraining(t *testing.T) {
	full := errors.New("disk full")
	for _, event := range []string{"start 1", "train end", "val end", "best 0", "end 0"} {
		_, _, _, _, err := fit(t, t.Context(), &scripted{guesses: []int{1}}, 3, func(e string) error {
			if e == event {
				return full
			}
			return nil
		})
		if !errors.Is(err, full) {
			t.Errorf("an error at %q: Fit returned %v", event, err)
		}
	}
}

func TestStopEndsTheTrainingWithoutAnError(t *testing.T) {
	r, best, weight, _, err := fit(t, t.Context(), &scripted{guesses: []int{0, 1, 1}}, 9, func(e string) error {
		if e == "end 2" {
			return fmt.Errorf("enough: %w", trainer.ErrStop)
		}
		return nil
	})
	if err != nil || best.Epoch != 1 || weight != 7 || len(r.phases) != 6 {
		t.Errorf("error %v, best %+v, weight %v, %d phases; want epoch 1, its weight 7, and 6 phases", err, best, weight, len(r.phases))
	}
}

func TestLossThatIsNotFiniteSaysWhere(t *testing.T) {
	for name, bad := range map[string]float32{"NaN": float32(math.NaN()), "Inf": float32(math.Inf(1))} {
		m := &scripted{guesses: []int{1}}
		_, best, weight, _, err := fit(t, t.Context(), m, 3, func(e string) error {
			if e == "1 train 4/6" {
				m.loss = func(logits []float32) { logits[0], logits[1] = bad, -bad }
			}
			return nil
		})
		if err == nil {
			t.Fatalf("%s: no error", name)
		}
		for _, want := range []string{"epoch 1", "train step 2", "rate 0.5", ".jpg"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q does not mention %q", name, err, want)
			}
		}
		var loss *trainer.LossError
		if !errors.As(err, &loss) || loss.Epoch != 1 || loss.Phase != "train" || loss.Step != 2 || loss.LR != 0.5 || !math.IsNaN(loss.Loss-loss.Loss) || len(loss.Files) != 2 {
			t.Errorf("%s: got %+v", name, loss)
		}
		if best.Epoch != 0 || weight != 4 {
			t.Errorf("%s: best %+v, weight %v; want those of epoch 0", name, best, weight)
		}
	}
}

func TestBatchesAreShownWithTheirLogits(t *testing.T) {
	data, seen := lopsided(t), map[string][]int{}
	err := torch.Do(t.Context(), func(s *torch.Scope) error {
		m := &scripted{guesses: []int{1}, bn: nn.NewBatchNorm2d(s, 1, 1e-5)}
		cfg := trainer.Config{Epochs: 1}
		cfg.Hooks.Batch = func(b trainer.Batch) {
			n := int64(len(b.Samples))
			if shape := b.Inputs.Shape(); !slices.Equal(shape, []int64{n, 3, 8, 8}) {
				t.Errorf("images of shape %v for %d samples", shape, n)
			}
			if shape := b.Logits.Shape(); !slices.Equal(shape, []int64{n, 2}) {
				t.Errorf("logits of shape %v for %d samples", shape, n)
			}
			seen[b.Phase] = append(seen[b.Phase], b.Samples...)
		}
		_, err := trainer.Fit(t.Context(), s, m, data, halving(s, m, cfg))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for phase, n := range map[string]int{"train": 6, "val": 4} {
		got := slices.Sorted(slices.Values(seen[phase]))
		for i := range n {
			if len(got) != n || got[i] != i {
				t.Fatalf("%s: saw the samples %v, want each of %d once", phase, got, n)
			}
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	sgd := optim.NewSGD(nil, nil, optim.SGDConfig{LR: 1})
	for _, cfg := range []trainer.Config{{Optimizer: sgd}, {Optimizer: sgd, Epochs: -1}, {Optimizer: sgd, Epochs: 1, LabelSmoothing: 2},
		{Optimizer: sgd, Epochs: 1, EMA: 1}, {Optimizer: sgd, Epochs: 1, ClipNorm: -1}, {Optimizer: sgd, Epochs: 1, HeadEpochs: 1}, {Epochs: 1}} {
		if _, err := trainer.Fit(t.Context(), nil, nil, trainer.Data{}, cfg); err == nil {
			t.Errorf("%+v was accepted", cfg)
		}
	}
}

func TestEvaluate(t *testing.T) {
	data := lopsided(t)
	err := torch.Do(t.Context(), func(s *torch.Scope) error {
		m := &scripted{guesses: []int{1}, bn: nn.NewBatchNorm2d(s, 1, 1e-5)}
		p, err := trainer.Evaluate(t.Context(), s, m, data.Val, trainer.DefaultConfig())
		if p.Corrects != 3 || p.N != 4 || torch.Item(m.bn.Weight) != 1 {
			t.Errorf("got %+v and weight %v, want 3 of 4 and an untouched weight", p, torch.Item(m.bn.Weight))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
