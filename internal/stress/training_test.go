package stress

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"hymenoptera/dataset"
	_ "hymenoptera/internal/malloc/jemalloc" // as the program
	"hymenoptera/internal/synth"
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
	"hymenoptera/torch/optim"
	"hymenoptera/trainer"
	"hymenoptera/transforms"
	"hymenoptera/zoo"
)

var (
	small  = flag.Int("small", 0, "steps of a small network, such as 10000")
	resnet = flag.Int("resnet", 0, "steps of ResNet18 in batches of 8 at 128 pixels, exact and fast, such as 200")
)

// A job is a training.
type job struct {
	name               string
	steps, batch, size int
	fast               bool
	network            func(s *torch.Scope) nn.Module
}

// TestTraining trains on drawn pictures for many steps with package trainer, loader and validation included, and looks for
// leaks. The maximum of live handles must be the same in both halves of the steps; in the second half, those of goroutines
// and descriptors must not be higher, and that of resident memory must be less than 1 % higher.
func TestTraining(t *testing.T) {
	if *small == 0 && *resnet == 0 {
		t.Skip("it takes minutes: make stress")
	}
	dir := t.TempDir()
	if err := synth.Write(dir, synth.Config{Seed: 1, Train: 40, Val: 8, MinSide: 60, MaxSide: 120}); err != nil {
		t.Fatal(err)
	}
	for _, j := range []job{
		{"small", *small, 4, 32, false, smallNet},
		{"ResNet18", *resnet, 8, 128, false, resnet18},
		{"ResNet18 fast", *resnet, 8, 128, true, resnet18},
	} {
		if j.steps == 0 {
			continue
		}
		if err := j.train(t.Context(), dir); err != nil {
			t.Errorf("%s: %v", j.name, err)
		}
	}
}

// smallNet has one layer of each kind: convolution, BatchNorm, ReLU, pooling, head.
func smallNet(s *torch.Scope) nn.Module {
	return &tiny{nn.NewConv2d(s, nn.Conv2dConfig{In: 3, Out: 8, Kernel: 3, Stride: 2, Padding: 1}), nn.NewBatchNorm2d(s, 8, 1e-5), nn.NewLinear(s, 8, 2)}
}

type tiny struct {
	conv *nn.Conv2d
	norm *nn.BatchNorm2d
	head *nn.Linear
}

func (n *tiny) Forward(s *torch.Scope, x *torch.Tensor) *torch.Tensor {
	y := torch.ReLUInPlace(n.norm.Forward(s, n.conv.Forward(s, x)))
	return n.head.Forward(s, torch.Flatten(s, torch.AdaptiveAvgPool2d(s, y, 1), 1))
}

func (n *tiny) Children() []nn.Child {
	return []nn.Child{{Name: "conv", Module: n.conv}, {Name: "norm", Module: n.norm}, {Name: "head", Module: n.head}}
}

func resnet18(s *torch.Scope) nn.Module {
	arch, err := zoo.Find("resnet18")
	if err != nil {
		panic(err) // it is always there
	}
	return arch.New(s, 2)
}

// train trains, and prints the handles and memory of the two halves.
func (j job) train(ctx context.Context, dir string) error {
	trainSet, valSet, err := dataset.Open(dir)
	if err != nil {
		return err
	}
	loading := dataset.LoaderConfig{BatchSize: j.batch, Shuffle: true, Workers: 2, ChannelsLast: j.fast}
	var data trainer.Data
	if data.Train, err = dataset.NewLoader(trainSet, transforms.Train(j.size), loading); err != nil {
		return err
	}
	if data.Val, err = dataset.NewLoader(valSet, transforms.Eval(j.size), loading); err != nil {
		return err
	}
	epoch := len(trainSet.Samples) / j.batch // steps
	w := &watcher{job: j, began: time.Now()}
	return torch.Do(ctx, func(s *torch.Scope) error {
		torch.ManualSeed(1)
		network := j.network(s)
		if j.fast {
			nn.ToChannelsLast(network)
		}
		sgd := optim.NewSGD(s, nn.Trainable(network), optim.SGDConfig{LR: 0.001, Momentum: 0.9, Fused: j.fast})
		cfg := trainer.Config{Epochs: j.steps / epoch, Mode: trainer.ModeOf(torch.CPU, j.fast),
			Optimizer: sgd, Hooks: trainer.Hooks{Step: w.step, EpochEnd: w.epochEnd}}
		if _, err := trainer.Fit(ctx, s, network, data, cfg); err != nil {
			return err
		}
		return w.verdict()
	})
}

// A watcher measures handles, memory, goroutines and descriptors of a training after each epoch.
type watcher struct {
	job   job
	began time.Time
	steps int

	// The maximum in each half of the steps.
	handles, memory, goroutines, descriptors [2]int
}

// step counts training steps.
func (w *watcher) step(_ int, phase string, done, _ int) {
	if phase == "train" && done > 0 {
		w.steps++
	}
}

// epochEnd updates the maximum of each.
func (w *watcher) epochEnd(int) error {
	half := 0
	if 2*w.steps > w.job.steps {
		half = 1
	}
	w.handles[half] = max(w.handles[half], torch.Live())
	w.memory[half] = max(w.memory[half], resident())
	w.goroutines[half] = max(w.goroutines[half], runtime.NumGoroutine())
	open, err := os.ReadDir("/proc/self/fd")
	w.descriptors[half] = max(w.descriptors[half], len(open))
	return err
}

// verdict prints the figures and returns an error if the handles differ or another figure grew.
func (w *watcher) verdict() error {
	growth := 100 * (float64(w.memory[1])/float64(w.memory[0]) - 1)
	fmt.Printf("%-14s %6d steps of %d at %d pixels, %.0f s: %d live handles, then %d; %.1f MB resident, then %.1f (%+.2f %%); %d goroutines, then %d; %d descriptors, then %d\n",
		w.job.name, w.steps, w.job.batch, w.job.size, time.Since(w.began).Seconds(),
		w.handles[0], w.handles[1], float64(w.memory[0])/1e6, float64(w.memory[1])/1e6, growth,
		w.goroutines[0], w.goroutines[1], w.descriptors[0], w.descriptors[1])
	if w.handles[0] != w.handles[1] {
		return fmt.Errorf("%d live handles, then %d", w.handles[0], w.handles[1])
	}
	if w.goroutines[1] > w.goroutines[0] || w.descriptors[1] > w.descriptors[0] {
		return errors.New("goroutines or descriptors grew")
	}
	if growth >= 1 {
		return fmt.Errorf("resident memory grew by %.2f %%: want under 1 %%", growth)
	}
	return nil
}

// resident returns how many bytes of memory this process has.
func resident() int {
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		panic(err) // Linux has it
	}
	pages, err := strconv.Atoi(strings.Fields(string(data))[1])
	if err != nil {
		panic(err)
	}
	return pages * os.Getpagesize()
}
