// Package untrained writes checkpoints of networks with random weights, for tests.
package untrained

import (
	"context"

	"hymenoptera/checkpoint"
	"hymenoptera/classify"
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
	"hymenoptera/transforms"
	"hymenoptera/zoo"
)

// Write writes the best.safetensors of a ResNet18 for ants and bees in pictures of 64×64 pixels. If change is not nil, Write
// calls it first.
func Write(file string, seed uint64, change func(sd *checkpoint.StateDict)) error {
	return torch.Do(context.Background(), func(s *torch.Scope) error {
		arch, err := zoo.Find("resnet18")
		if err != nil {
			return err
		}
		torch.ManualSeed(seed)
		sd := nn.Export(arch.New(s, 2))
		sd.Metadata = classify.Card{Version: "1", Model: "resnet18", Classes: []string{"ants", "bees"},
			Preprocessing: transforms.Eval(64), Config: []byte("{}"), Epoch: 3, Accuracy: 0.9, Loss: 0.1}.Metadata()
		if change != nil {
			change(sd)
		}
		return checkpoint.WriteSafetensors(file, sd)
	})
}
