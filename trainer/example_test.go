package trainer_test

import (
	"context"
	"fmt"
	"os"

	"hymenoptera/dataset"
	"hymenoptera/internal/synth"
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
	"hymenoptera/torch/optim"
	"hymenoptera/trainer"
	"hymenoptera/transforms"
	"hymenoptera/zoo"
)

// A ResNet18 from random weights, two epochs on a few small pictures.
func ExampleFit() {
	dir, err := os.MkdirTemp("", "insects")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	if err := synth.Write(dir, synth.Config{Seed: 1, Train: 8, Val: 4, MinSide: 32, MaxSide: 48}); err != nil {
		panic(err)
	}
	trainSet, valSet, err := dataset.Open(dir)
	if err != nil {
		panic(err)
	}
	loading := dataset.LoaderConfig{BatchSize: 8, Shuffle: true, Workers: 2}
	train, err := dataset.NewLoader(trainSet, transforms.Train(32), loading)
	if err != nil {
		panic(err)
	}
	val, err := dataset.NewLoader(valSet, transforms.Eval(32), loading)
	if err != nil {
		panic(err)
	}

	err = torch.Do(context.Background(), func(s *torch.Scope) error { // what s owns is freed at the end
		arch, err := zoo.Find("resnet18")
		if err != nil {
			return err
		}
		torch.ManualSeed(42)
		net := arch.New(s, int64(len(trainSet.Classes)))
		sgd := optim.NewSGD(s, nn.Trainable(net), optim.SGDConfig{LR: 0.001, Momentum: 0.9})
		cfg := trainer.Config{Epochs: 2, Optimizer: sgd, Scheduler: optim.NewStepLR(sgd, 7, 0.1)}
		best, err := trainer.Fit(context.Background(), s, net, trainer.Data{Train: train, Val: val}, cfg)
		fmt.Println(trainSet.Classes, best.N, "images,", best.Acc >= 0.5)
		return err
	})
	fmt.Println(err)
	// Output:
	// [ants bees] 8 images, true
	// <nil>
}
