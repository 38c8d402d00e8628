package finetune

import "hymenoptera/internal/synth"

// DemoOptions returns options for a training from random weights that takes a minute on a CPU, on the images that
// DrawDemo draws. Set Data and Out.
func DemoOptions() Options {
	o := DefaultOptions()
	o.Weights, o.Device = "none", "cpu"
	o.Epochs, o.BatchSize, o.ImageSize, o.Workers = 20, 16, 64, 2
	o.LR, o.StepSize = 0.01, 14
	return o
}

// DrawDemo draws ants and bees into train and val under dir, for trainings without a network connection. Drawing
// again changes nothing; another file under the name of a drawn one is an error. Accuracies on them say nothing about
// photographs.
func DrawDemo(dir string) error { return synth.Write(dir, synth.DefaultConfig()) }

// DrawSmallDemo draws 24 pictures to train with and 12 to validate with.
func DrawSmallDemo(dir string) error {
	cfg := synth.DefaultConfig()
	cfg.Train, cfg.Val = 12, 6
	return synth.Write(dir, cfg)
}
