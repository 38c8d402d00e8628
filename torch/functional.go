package torch

import (
	lib "github.com/sugarme/gotch/libtch"
)

// Conv2d is torch.nn.functional.conv2d with square stride and padding.
// x N×C×H×W, weight K×C×R×S, bias K or nil; the result is N×K×H'×W'.
func Conv2d(s *Scope, x, weight, bias *Tensor, stride, padding int64) *Tensor {
	st, pad, dilation := [2]int64{stride, stride}, [2]int64{padding, padding}, [2]int64{1, 1}
	return call(s, "conv2d", func(out *lib.Ctensor) {
		lib.AtgConv2d(out, x.c, weight.c, optional(bias), st[:], 2, pad[:], 2, dilation[:], 2, 1)
	}, with(bias, x, weight)...)
}

// BatchNorm is torch.nn.functional.batch_norm. With training set it normalises by the batch's own statistics and
// moves mean and variance (in place) towards them by momentum. As in PyTorch it then fails if a channel has a single
// value, whose variance would be 0/0.
func BatchNorm(s *Scope, x, weight, bias, mean, variance *Tensor, training bool, momentum, eps float64) *Tensor {
	use("batch_norm", x, weight, bias, mean, variance)
	if training && x.Numel() == mean.Numel() {
		fail(describe("batch_norm", []*Tensor{x}), "expected more than 1 value per channel when training")
	}
	return call(s, "batch_norm", func(out *lib.Ctensor) {
		lib.AtgBatchNorm(out, x.c, weight.c, bias.c, mean.c, variance.c, cBool32(training), momentum, eps, 1)
	}, x, weight, bias, mean, variance)
}

// ReLU returns max(x, 0).
func ReLU(s *Scope, x *Tensor) *Tensor {
	return call(s, "relu", func(out *lib.Ctensor) { lib.AtgRelu(out, x.c) }, x)
}

// ReLUInPlace is x = max(x, 0).
func ReLUInPlace(x *Tensor) *Tensor {
	return callInPlace("relu_", func(out *lib.Ctensor) { lib.AtgRelu_(out, x.c) }, x)
}

// MaxPool2d is torch.nn.functional.max_pool2d over square windows; ceilMode lets a last window hang
// over the edge. x N×C×H×W.
func MaxPool2d(s *Scope, x *Tensor, kernel, stride, padding int64, ceilMode bool) *Tensor {
	k, st, pad, dilation := [2]int64{kernel, kernel}, [2]int64{stride, stride}, [2]int64{padding, padding}, [2]int64{1, 1}
	return call(s, "max_pool2d", func(out *lib.Ctensor) {
		lib.AtgMaxPool2d(out, x.c, k[:], 2, st[:], 2, pad[:], 2, dilation[:], 2, cBool32(ceilMode))
	}, x)
}

// AvgPool2d is torch.nn.functional.avg_pool2d over square windows, of which padding counts as zeros. x N×C×H×W.
func AvgPool2d(s *Scope, x *Tensor, kernel, stride, padding int64) *Tensor {
	k, st, pad := [2]int64{kernel, kernel}, [2]int64{stride, stride}, [2]int64{padding, padding}
	const ceilMode, countPadding, noDivisor = 0, 1, 1
	return call(s, "avg_pool2d", func(out *lib.Ctensor) {
		lib.AtgAvgPool2d(out, x.c, k[:], 2, st[:], 2, pad[:], 2, ceilMode, countPadding, 0, noDivisor)
	}, x)
}

// ResizeBilinear resizes x N×C×H×W, of floats, to N×C×height×width as torch.nn.functional.interpolate does with mode
// "bilinear" and antialias=True.
func ResizeBilinear(s *Scope, x *Tensor, height, width int64) *Tensor {
	const alignCorners, unset = 0, 1
	return call(s, "upsample_bilinear2d_aa", func(out *lib.Ctensor) {
		lib.Atg_UpsampleBilinear2dAa(out, x.c, []int64{height, width}, 2, alignCorners, 0, unset, 0, unset)
	}, x)
}

// AdaptiveAvgPool2d averages x N×C×H×W down to N×C×size×size.
func AdaptiveAvgPool2d(s *Scope, x *Tensor, size int64) *Tensor {
	return call(s, "adaptive_avg_pool2d", func(out *lib.Ctensor) {
		lib.AtgAdaptiveAvgPool2d(out, x.c, []int64{size, size}, 2)
	}, x)
}

// Linear returns x·weightᵀ + bias. x N×in, weight out×in, bias out or nil.
func Linear(s *Scope, x, weight, bias *Tensor) *Tensor {
	return call(s, "linear", func(out *lib.Ctensor) {
		lib.AtgLinear(out, x.c, weight.c, optional(bias))
	}, with(bias, x, weight)...)
}

// Dropout zeroes each element with probability p and scales the rest by 1/(1-p) while training, drawing
// from the default generator; otherwise it returns x.
func Dropout(s *Scope, x *Tensor, p float64, training bool) *Tensor {
	return call(s, "dropout", func(out *lib.Ctensor) { lib.AtgDropout(out, x.c, p, cBool32(training)) }, x)
}

// CrossEntropy is torch.nn.functional.cross_entropy with reduction "mean". logits N×C, labels N int64,
// weight C or nil; the result is a scalar.
func CrossEntropy(s *Scope, logits, labels, weight *Tensor, labelSmoothing float64) *Tensor {
	const mean, ignoreIndex = 1, -100 // at::Reduction::Mean; PyTorch's default
	return call(s, "cross_entropy", func(out *lib.Ctensor) {
		lib.AtgCrossEntropyLoss(out, logits.c, labels.c, optional(weight), mean, ignoreIndex, labelSmoothing)
	}, with(weight, logits, labels)...)
}

// with returns the required operands, and the optional one unless it is nil.
func with(optional *Tensor, required ...*Tensor) []*Tensor {
	if optional == nil {
		return required
	}
	return append(required, optional)
}
