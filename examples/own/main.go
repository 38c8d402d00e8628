// Own trains a custom network on the pictures in DATA/train/<class>/ and DATA/val/<class>/, and saves its best weights:
//
//	go run ./own DATA WEIGHTS.safetensors
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"hymenoptera/checkpoint"
	"hymenoptera/dataset"
	"hymenoptera/metrics"
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
	"hymenoptera/torch/optim"
	"hymenoptera/trainer"
	"hymenoptera/transforms"
)

const size = 32 // height and width of the network's input, in pixels

// A Scale multiplies each channel by a number that it learns.
type Scale struct{ Factor *torch.Tensor }

// NewScale returns a layer for N×channels×H×W whose factors are 1.
func NewScale(s *torch.Scope, channels int64) *Scale {
	factor := torch.Ones(s, torch.Float32, torch.CPU, channels, 1, 1)
	return &Scale{torch.SetRequiresGrad(factor, true)}
}

func (l *Scale) Forward(s *torch.Scope, x *torch.Tensor) *torch.Tensor {
	return torch.Mul(s, x, l.Factor)
}

// Tensors names the parameter, so that it is trained and saved.
func (l *Scale) Tensors() []nn.Entry {
	return []nn.Entry{{Name: "factor", Tensor: l.Factor, Parameter: true}}
}

// network maps images N×3×32×32 to logits N×classes.
func network(s *torch.Scope, classes int) nn.Module {
	return nn.Sequential{
		nn.NewConv2d(s, nn.Conv2dConfig{In: 3, Out: 16, Kernel: 3, Padding: 1, Bias: true}), // N×16×32×32
		NewScale(s, 16),
		nn.ReLU{},
		nn.MaxPool2d{Kernel: 4}, // N×16×8×8
		nn.Flatten{},            // N×1024
		nn.NewLinear(s, 1024, int64(classes)),
	}
}

func train(ctx context.Context, folder, file string) error {
	train, val, err := dataset.Open(folder)
	if err != nil {
		return err
	}
	var data trainer.Data
	if data.Train, err = dataset.NewLoader(train, transforms.Train(size), dataset.DefaultLoaderConfig()); err != nil {
		return err
	}
	if data.Val, err = dataset.NewLoader(val, transforms.Eval(size), dataset.DefaultLoaderConfig()); err != nil {
		return err
	}
	return torch.Do(ctx, func(s *torch.Scope) error {
		torch.ManualSeed(42)
		model := network(s, len(train.Classes))
		cfg := trainer.DefaultConfig()
		cfg.Epochs = 3
		cfg.Optimizer = optim.NewAdam(s, nn.Trainable(model), optim.AdamConfig{LR: 0.003})
		cfg.Hooks.PhaseEnd = func(p metrics.Phase) error {
			_, err := fmt.Printf("epoch %d %-5s loss %.4f accuracy %.4f\n", p.Epoch, p.Name, p.Loss, p.Acc)
			return err
		}
		if _, err := trainer.Fit(ctx, s, model, data, cfg); err != nil {
			return err
		}
		return checkpoint.WriteSafetensors(file, nn.Export(model)) // the best weights; nn.LoadStateDict loads them
	})
}

func main() {
	if err := train(context.Background(), os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}
