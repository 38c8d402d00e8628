package torch_test

import (
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"hymenoptera/torch"
)

func goexit() { runtime.Goexit() }

// rss returns the process's resident memory in bytes.
func rss(t *testing.T) int {
	t.Helper()
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("no /proc on this system, so resident memory cannot be read: ", err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(data))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

// A thousand training steps while Go's collector runs all the time leak no handle and no memory, and free nothing that
// libtorch still uses.
func TestTrainingStepsLeakNothing(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(1))
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
			}
		}
	}()
	defer func() { close(stop); <-done }()

	do(t, func(s *torch.Scope) {
		torch.ManualSeed(1)
		weight := torch.SetRequiresGrad(torch.UniformInPlace(torch.Empty(s, torch.Float32, torch.CPU, 8, 3, 3, 3), -0.2, 0.2), true)
		head := torch.SetRequiresGrad(torch.UniformInPlace(torch.Empty(s, torch.Float32, torch.CPU, 2, 8), -0.3, 0.3), true)
		params := []*torch.Tensor{weight, head}
		x := torch.UniformInPlace(torch.Empty(s, torch.Float32, torch.CPU, 4, 3, 16, 16), -1, 1)
		labels := torch.FromInt64s(s, []int64{0, 1, 0, 1}, 4)
		step := func() float64 {
			c := s.Child()
			defer c.Close()
			torch.ClearGrads(params)
			y := torch.ReLUInPlace(torch.Conv2d(c, x, weight, nil, 1, 1))
			logits := torch.Linear(c, torch.Flatten(c, torch.AdaptiveAvgPool2d(c, y, 1), 1), head, nil)
			loss := torch.CrossEntropy(c, logits, labels, nil, 0)
			torch.Backward(loss)
			torch.NoGrad(func() {
				for _, p := range params {
					torch.AddScaledInPlace(p, torch.Grad(c, p), -0.1)
				}
			})
			return torch.Item(loss)
		}
		first := step()
		for range 200 { // let allocators and thread pools fill up
			step()
		}
		handles, memory := torch.Live(), rss(t)
		for range 1000 {
			step()
		}
		if got := torch.Live(); got != handles {
			t.Errorf("%d live handles after 1000 steps, want %d", got, handles)
		}
		if got := rss(t); float64(got) > 1.01*float64(memory) {
			t.Errorf("resident memory grew from %d to %d bytes, over 1 %%", memory, got)
		}
		if last := step(); last >= first {
			t.Errorf("the loss went from %v to %v, want less", first, last)
		}
	})
}
