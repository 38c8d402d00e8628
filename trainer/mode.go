package trainer

import (
	"fmt"

	"hymenoptera/torch"
	"hymenoptera/torch/nn"
)

// A Mode says where and how a network computes, in training and in use. The zero value computes as PyTorch does on the CPU,
// to the last bit.
type Mode struct {
	Device torch.Device // where the model's tensors are

	// Pixels and ChannelsLast must be those of the loaders' [dataset.LoaderConfig]. With ChannelsLast, the convolutions'
	// weights should be in channels-last memory too ([nn.ToChannelsLast]).
	Pixels, ChannelsLast bool
	// BFloat16 trains with torch.autocast: convolutions and linear layers compute in bfloat16.
	BFloat16 bool
	// Fold validates on a copy of the model in which each BatchNorm is part of its convolution, made anew for each epoch, in
	// bfloat16 if BFloat16 is set. The model must be [Foldable].
	Fold bool
	// Fused updates the weights in one call (see [optim.SGDConfig]).
	Fused bool
	// Async lets the host run ahead of the device: losses and correct answers are summed on the device and read once,
	// when a phase ends. A loss that is not finite then ends the training, and its batch is unknown.
	Async bool
	// Graph, for a CUDA device, replays training steps as CUDA graphs, one per batch size, if the optimizer's steps
	// are capturable and [torch.LoadGraphs] succeeds.
	Graph bool
}

// ModeOf returns PyTorch's mode on a device or, with fast, the fastest one, which gives up PyTorch's bits.
func ModeOf(device torch.Device, fast bool) Mode {
	gpu := device != torch.CPU
	m := Mode{Device: device, Pixels: gpu}
	if fast {
		m.ChannelsLast, m.Fold, m.Fused = true, true, true
		m.BFloat16 = torch.MultipliesBFloat16(device)
		m.Async, m.Graph = gpu, gpu
	}
	return m
}

// A Foldable model has a faster form for inference.
type Foldable interface {
	// Fold returns a model for inference with the present weights, which computes in dtype; s owns it.
	Fold(s *torch.Scope, dtype torch.DType) nn.Module
}

// Inference returns the model to validate and predict with: model itself or, with Fold, a folded copy, which s owns.
func (m Mode) Inference(s *torch.Scope, model nn.Module) nn.Module {
	if !m.Fold {
		return model
	}
	dtype := torch.Float32
	if m.BFloat16 {
		dtype = torch.BFloat16
	}
	return model.(Foldable).Fold(s, dtype)
}

// validate returns an error if m cannot compute with the model.
func (m Mode) validate(model nn.Module) error {
	if _, ok := model.(Foldable); m.Fold && !ok {
		return fmt.Errorf("trainer: %T cannot be folded", model)
	}
	return nil
}
