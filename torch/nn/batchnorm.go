package nn

import "hymenoptera/torch"

// BatchNorm2d is torch.nn.BatchNorm2d with momentum 0.1.
type BatchNorm2d struct {
	Weight, Bias            *torch.Tensor // C
	RunningMean, RunningVar *torch.Tensor // C
	NumBatchesTracked       *torch.Tensor // int64 scalar
	eps                     float64
	training                bool
	sync                    SyncFunc // nil to use only this process's batch
}

// A Norm holds the tensors and numbers that a BatchNorm2d computes with.
type Norm struct {
	Weight, Bias            *torch.Tensor // C
	RunningMean, RunningVar *torch.Tensor // C; training moves them
	Momentum, Eps           float64
}

// A SyncFunc normalises x N×C×H×W in training by the statistics of the batches of several processes together.
type SyncFunc func(s *torch.Scope, x *torch.Tensor, n Norm) *torch.Tensor

// SyncBatchNorm makes every BatchNorm2d of m use f in training, as torch.nn.SyncBatchNorm.convert_sync_batchnorm does.
func SyncBatchNorm(m Module, f SyncFunc) {
	Walk(m, func(m Module) {
		if b, ok := m.(*BatchNorm2d); ok {
			b.sync = f
		}
	})
}

// momentum is PyTorch's default weight of a new batch in the running statistics.
const momentum = 0.1

// NewBatchNorm2d returns a layer for the given channels: weight 1, bias 0, mean 0, variance 1.
func NewBatchNorm2d(s *torch.Scope, channels int64, eps float64) *BatchNorm2d {
	ones := func() *torch.Tensor {
		return torch.Ones(s, torch.Float32, torch.CPU, channels)
	}
	zeros := func() *torch.Tensor { return torch.Zeros(s, torch.Float32, torch.CPU, channels) }
	return &BatchNorm2d{
		Weight: torch.SetRequiresGrad(ones(), true), Bias: torch.SetRequiresGrad(zeros(), true),
		RunningMean: zeros(), RunningVar: ones(),
		NumBatchesTracked: torch.Zeros(s, torch.Int64, torch.CPU),
		eps:               eps, training: true,
	}
}

// Forward normalises x N×C×H×W: by the batch's statistics in training mode, which also moves the
// running ones, by the running ones in evaluation mode.
func (b *BatchNorm2d) Forward(s *torch.Scope, x *torch.Tensor) *torch.Tensor {
	if b.training {
		torch.AddScalarInPlace(b.NumBatchesTracked, 1)
	}
	if b.training && b.sync != nil {
		return b.sync(s, x, Norm{b.Weight, b.Bias, b.RunningMean, b.RunningVar, momentum, b.eps})
	}
	return torch.BatchNorm(s, x, b.Weight, b.Bias, b.RunningMean, b.RunningVar, b.training, momentum, b.eps)
}

// SetTraining implements Moded.
func (b *BatchNorm2d) SetTraining(on bool) { b.training = on }

// Tensors implements Owner.
func (b *BatchNorm2d) Tensors() []Entry {
	return []Entry{
		{"weight", b.Weight, true}, {"bias", b.Bias, true},
		{"running_mean", b.RunningMean, false}, {"running_var", b.RunningVar, false},
		{"num_batches_tracked", b.NumBatchesTracked, false},
	}
}
