package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"testing"
	"time"

	"hymenoptera/internal/mt19937"
	"hymenoptera/transforms"
)

// TestNoGoroutineLeak ends epochs in every way, early and late.
func TestNoGoroutineLeak(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, workers := range []int{0, 1, 4} {
		l := open(t, 8, LoaderConfig{BatchSize: 2, Workers: workers, Shuffle: true})
		for take := range 6 {
			ctx, cancel := context.WithCancel(context.Background())
			e := l.Epoch(ctx, mt19937.New(uint64(take)))
			for i := range take {
				b, err := e.Next(ctx)
				if err != nil {
					t.Fatal(err)
				}
				if take%2 == 0 {
					b.Release()
				} else if i+1 == l.layout.Slots {
					break // as many as may be held
				}
			}
			if take%3 == 0 {
				cancel()
				if _, err := e.Next(ctx); !errors.Is(err, context.Canceled) {
					t.Errorf("%d workers, cancelled: got %v", workers, err)
				}
			}
			e.Close()
			cancel()
		}
	}
	// Workers have left their functions when Close returns; the runtime takes a moment more.
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

func TestDeadline(t *testing.T) {
	l := open(t, 8, LoaderConfig{BatchSize: 2, Workers: 2})
	ctx, cancel := context.WithTimeout(context.Background(), time.Nanosecond)
	defer cancel()
	<-ctx.Done()
	e := l.Epoch(ctx, mt19937.New(1))
	defer e.Close()
	if _, err := e.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// TestSteadyState checks that JPEG samples allocate almost nothing once the buffers have grown, in a maker and in a whole
// epoch, except for opening files and starting an epoch.
func TestSteadyState(t *testing.T) {
	f := &ImageFolder{Root: "testdata/images", Classes: []string{"a"}}
	for range 40 {
		for _, name := range []string{"444.jpg", "420-big.jpg", "grey.jpg", "progressive.jpg", "cmyk.jpg"} {
			f.Samples = append(f.Samples, Sample{Path: "testdata/images/" + name})
		}
	}
	for _, tf := range []transforms.Transform{transforms.Train(64), transforms.Eval(64)} {
		l, err := NewLoader(f, tf, LoaderConfig{BatchSize: 4, Workers: 2, Shuffle: true})
		if err != nil {
			t.Fatal(err)
		}
		m := l.newMaker()
		m.seed(1)
		one := &Batch{Images: make([]float32, l.layout.SampleLen())}
		i := 0
		once := func() {
			if err := m.sample(t.Context(), one, 0, i%l.Len()); err != nil {
				t.Fatal(err)
			}
			i++
		}
		for range 3 * l.Len() {
			once()
		}
		const opening = 13 // os.Open, Stat, and the goroutine of within
		if n := testing.AllocsPerRun(l.Len(), once); n > opening {
			t.Errorf("random %v: %v allocations per sample", tf.Random, n)
		}
		m.close()

		rng := mt19937.New(1)
		pass := func() {
			e := l.Epoch(context.Background(), rng)
			drain(t, e)
			e.Close()
		}
		for range 4 {
			pass()
		}
		// About 20 to start an epoch of 2 workers and 5 slots; 200 samples.
		if n := testing.AllocsPerRun(5, pass); n > 60+opening*float64(l.Len()) {
			t.Errorf("random %v: %v allocations per epoch of %d samples", tf.Random, n, l.Len())
		}
	}
}

func Example() {
	folder, err := NewImageFolder("../cmd/hymenoptera/testdata/insects/train")
	if err != nil {
		panic(err)
	}
	fmt.Println(folder.Classes, len(folder.Samples), "pictures")
	loader, err := NewLoader(folder, transforms.Train(64), LoaderConfig{BatchSize: 20, Shuffle: true, Workers: 2})
	if err != nil {
		panic(err)
	}
	epoch := loader.Epoch(context.Background(), mt19937.New(42)) // after torch.manual_seed(42)
	defer epoch.Close()
	for {
		b, err := epoch.Next(context.Background())
		if err == io.EOF {
			break
		}
		if err != nil {
			panic(err)
		}
		fmt.Println(b.N, "samples,", len(b.Images), "floats, the first is of class", folder.Classes[b.Labels[0]])
		b.Release()
	}
	// Output:
	// [ants bees] 48 pictures
	// 20 samples, 245760 floats, the first is of class ants
	// 20 samples, 245760 floats, the first is of class ants
	// 8 samples, 98304 floats, the first is of class bees
}
