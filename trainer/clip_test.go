package trainer_test

import (
	"errors"
	"math"
	"testing"

	"hymenoptera/torch"
	"hymenoptera/torch/nn"
	"hymenoptera/torch/optim"
	"hymenoptera/trainer"
)

// A steep model adds the square root of its weight to logits of zero: at 0 the slope is infinite.
type steep struct{ weight *torch.Tensor }

func (m *steep) Forward(s *torch.Scope, x *torch.Tensor) *torch.Tensor {
	return torch.Add(s, torch.Zeros(s, torch.Float32, torch.CPU, x.Shape()[0], 2), torch.Sqrt(s, m.weight))
}

func (m *steep) Tensors() []nn.Entry {
	return []nn.Entry{{Name: "weight", Tensor: m.weight, Parameter: true}}
}

func TestGradientThatIsNotFiniteIsNamed(t *testing.T) {
	data := lopsided(t)
	err := torch.Do(t.Context(), func(s *torch.Scope) error {
		m := &steep{torch.SetRequiresGrad(torch.Zeros(s, torch.Float32, torch.CPU, 1), true)}
		cfg := trainer.Config{Epochs: 1, ClipNorm: 1, Optimizer: optim.NewSGD(s, nn.Trainable(m), optim.SGDConfig{LR: 0.5})}
		_, err := trainer.Fit(t.Context(), s, m, data, cfg)
		if got := torch.Item(m.weight); got != 0 {
			t.Errorf("the weight is %v, want 0 as before", got)
		}
		return err
	})
	var e *trainer.GradientError
	if !errors.As(err, &e) || e.Epoch != 0 || e.Step != 0 || e.LR != 0.5 || e.Parameter != "weight" || !math.IsNaN(e.Norm-e.Norm) {
		t.Errorf("got %v", err)
	}
}

// Gradients of 3 and 4 have a norm of 5.
func TestClip(t *testing.T) {
	err := torch.Do(t.Context(), func(s *torch.Scope) error {
		a := torch.SetRequiresGrad(torch.FromFloat32s(s, []float32{1.5}, 1), true)
		b := torch.SetRequiresGrad(torch.FromFloat32s(s, []float32{2}, 1), true)
		without := torch.SetRequiresGrad(torch.FromFloat32s(s, []float32{2}, 1), true)
		params := []*torch.Tensor{a, without, b}
		torch.Backward(torch.Add(s, torch.Sum(s, torch.Mul(s, a, a)), torch.Sum(s, torch.Mul(s, b, b))))
		norm := torch.GradNorm(s, params)
		if got := torch.Item(norm); got != 5 {
			t.Errorf("norm %v, want 5", got)
		}
		for _, tt := range []struct{ most, want float64 }{{6, 3}, {2.5, 1.5}} {
			torch.ClipGrads(params, norm, tt.most)
			if got := torch.Item(torch.Grad(s, a)); math.Abs(got-tt.want) > 1e-6 {
				t.Errorf("at most %v: got %v, want %v", tt.most, got, tt.want)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
