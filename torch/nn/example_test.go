package nn_test

import (
	"context"
	"fmt"

	"hymenoptera/torch"
	"hymenoptera/torch/nn"
)

// A network for images of 8×8.
func ExampleSequential() {
	err := torch.Do(context.Background(), func(s *torch.Scope) error {
		net := nn.Sequential{
			nn.NewConv2d(s, nn.Conv2dConfig{In: 3, Out: 4, Kernel: 3, Padding: 1}), // N×4×8×8
			nn.ReLU{},
			nn.MaxPool2d{Kernel: 2}, // N×4×4×4
			nn.Flatten{},            // N×64
			nn.NewLinear(s, 64, 2),  // N×2
		}
		logits := net.Forward(s, torch.Zeros(s, torch.Float32, torch.CPU, 5, 3, 8, 8))
		fmt.Println(logits.Shape())
		return nil
	})
	fmt.Println(err)
	// Output:
	// [5 2]
	// <nil>
}

// A Scale multiplies each channel by a number that is learnt.
type Scale struct {
	factor *torch.Tensor // 1×C×1×1
}

func NewScale(s *torch.Scope, channels int64) *Scale {
	ones := torch.Ones(s, torch.Float32, torch.CPU, 1, channels, 1, 1)
	return &Scale{torch.SetRequiresGrad(ones, true)}
}

func (m *Scale) Forward(s *torch.Scope, x *torch.Tensor) *torch.Tensor {
	return torch.Mul(s, x, m.factor)
}

func (m *Scale) Tensors() []nn.Entry {
	return []nn.Entry{{Name: "factor", Tensor: m.factor, Parameter: true}}
}

// A custom layer with a parameter.
func ExampleOwner() {
	err := torch.Do(context.Background(), func(s *torch.Scope) error {
		for _, e := range nn.StateDict(nn.Sequential{NewScale(s, 3), nn.Flatten{}, nn.NewLinear(s, 12, 2)}) {
			fmt.Println(e.Name, e.Tensor.Shape())
		}
		return nil
	})
	fmt.Println(err)
	// Output:
	// 0.factor [1 3 1 1]
	// 2.weight [2 12]
	// 2.bias [2]
	// <nil>
}
