package trainer_test

import (
	"errors"
	"testing"

	"hymenoptera/torch"
	"hymenoptera/torch/nn"
	"hymenoptera/torch/optim"
	"hymenoptera/trainer"
)

// A gain is a layer of a package other than nn, with a parameter of its own.
type gain struct {
	factor *torch.Tensor // 1×3×1×1
	named  bool
}

func (g *gain) Forward(s *torch.Scope, x *torch.Tensor) *torch.Tensor {
	return torch.Mul(s, x, g.factor)
}

func (g *gain) Tensors() []nn.Entry {
	if !g.named {
		return nil
	}
	return []nn.Entry{{Name: "factor", Tensor: g.factor, Parameter: true}}
}

// Fit trains a custom network like those of this module, and returns an error for one that hides a tensor.
func TestFitTrainsModulesOfOtherPackages(t *testing.T) {
	for _, named := range []bool{true, false} {
		data := lopsided(t)
		err := torch.Do(t.Context(), func(s *torch.Scope) error {
			factor := torch.Ones(s, torch.Float32, torch.CPU, 1, 3, 1, 1)
			g := &gain{factor: torch.SetRequiresGrad(factor, true), named: named}
			net := nn.Sequential{g, nn.NewConv2d(s, nn.Conv2dConfig{In: 3, Out: 4, Kernel: 3, Stride: 1}), nn.ReLU{},
				nn.AvgPool2d{Kernel: 6}, nn.Flatten{}, nn.NewLinear(s, 4, 2)}
			sgd := optim.NewSGD(s, []*torch.Tensor{g.factor}, optim.SGDConfig{LR: 0.5})
			_, err := trainer.Fit(t.Context(), s, net, data, trainer.Config{Epochs: 2, Optimizer: sgd})
			if got := torch.Float32s(s, g.factor); named && got[0] == 1 {
				t.Errorf("the factor is %v, as before", got)
			}
			return err
		})
		var hidden *nn.HiddenError
		if named && err != nil || !named && (!errors.As(err, &hidden) || hidden.Field != "factor") {
			t.Errorf("named %v: got %v", named, err)
		}
	}
}
