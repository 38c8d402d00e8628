package trainer_test

import (
	"math"
	"strings"
	"testing"

	"hymenoptera/internal/mt19937"
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
	"hymenoptera/trainer"
)

// If an operation of libtorch fails, Fit returns its error and leaves the model with the best weights so far.
func TestFitAfterAFailedOperation(t *testing.T) {
	data := lopsided(t)
	err := torch.Do(t.Context(), func(s *torch.Scope) error {
		m := &scripted{guesses: []int{1}, bn: nn.NewBatchNorm2d(s, 1, 1e-5)}
		batches := 0
		m.images = func(x *torch.Tensor) {
			if batches++; batches == 7 { // of epoch 1's training; epoch 0 has five
				torch.Add(s, x, torch.FromFloat32s(s, []float32{1, 2, 3}, 3))
			}
		}
		best, err := trainer.Fit(t.Context(), s, m, data, halving(s, m, trainer.DefaultConfig()))
		if err == nil || !strings.Contains(err.Error(), "torch: ") {
			t.Errorf("error %v, want libtorch's", err)
		}
		if steps := torch.Item(torch.Sum(s, m.bn.RunningMean)); best.N != 4 || best.Acc != 0.75 || steps != 3 {
			t.Errorf("the best phase is %+v, the weights are of %v steps, want epoch 0's, of 3", best, steps)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A loader outlives the tensors that it was lent. Afterwards it writes into its own memory, and a training is unharmed if
// its loader serves another one in between.
func TestLoadersWriteIntoNoFreedMemory(t *testing.T) {
	data := lopsided(t)
	err := torch.Do(t.Context(), func(s *torch.Scope) error {
		m := &scripted{guesses: []int{1}, bn: nn.NewBatchNorm2d(s, 1, 1e-5)}
		var means []float64 // of the validation batches
		r := &recorder{model: m, after: func(event string) error {
			if event != "end 0" {
				return nil
			}
			_, err := trainer.Evaluate(t.Context(), s, m, data.Val, trainer.DefaultConfig())
			return err
		}}
		m.images = func(x *torch.Tensor) {
			if !torch.GradEnabled() {
				means = append(means, torch.Item(torch.Sum(s, x)))
			}
		}
		cfg := halving(s, m, trainer.Config{Epochs: 2, Hooks: r.hooks()})
		if _, err := trainer.Fit(t.Context(), s, m, data, cfg); err != nil {
			return err
		}
		if len(means) != 6 { // two batches each: epoch 0, Evaluate, epoch 1
			t.Fatalf("%d validation batches, want 6", len(means))
		}
		for i := 2; i < 6; i += 2 {
			if got, want := means[i]+means[i+1], means[0]+means[1]; math.Abs(got-want) > 1e-3 {
				t.Errorf("pass %d: the images sum up to %v, want %v", i/2, got, want)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		e := data.Val.Epoch(t.Context(), mt19937.New(1))
		for n := 0; n < 4; {
			b, err := e.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			n += b.N
			b.Release()
		}
		e.Close()
	}
}
