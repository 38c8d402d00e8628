package nn

import (
	"math"

	"hymenoptera/torch"
)

// The rules of torch.nn.init that classifiers use. Every constant is computed in PyTorch's order of operations, because its
// last bit changes the weights.

// KaimingNormalFanOut draws the weights again by torch.nn.init.kaiming_normal_ with mode "fan_out" and
// nonlinearity "relu".
func (c *Conv2d) KaimingNormalFanOut() {
	fanOut := c.cfg.Out * c.cfg.Kernel * c.cfg.Kernel
	std := math.Sqrt2 / math.Sqrt(float64(fanOut))
	torch.NoGrad(func() { torch.NormalInPlace(c.Weight, 0, std) })
}

// kaimingBound is the bound of torch.nn.init.kaiming_uniform_(a=sqrt(5)), in its order of operations.
func kaimingBound(fanIn int64) float64 {
	a := math.Sqrt(5)
	gain := math.Sqrt(2.0 / (1 + a*a))
	std := gain / math.Sqrt(float64(fanIn))
	return math.Sqrt(3) * std
}

// uniform returns a parameter drawn from ±bound.
func uniform(s *torch.Scope, bound float64, shape ...int64) *torch.Tensor {
	t := torch.Empty(s, torch.Float32, torch.CPU, shape...)
	return torch.SetRequiresGrad(torch.UniformInPlace(t, -bound, bound), true)
}

// TruncNormal draws weight again by torch.nn.init.trunc_normal_(weight, 0, std, low, high).
func TruncNormal(weight *torch.Tensor, std, low, high float64) {
	// float64(…): without it, arm64 fuses the product with the sum.
	cdf := func(x float64) float64 { return float64((1 + math.Erf(x/math.Sqrt(2))) / 2) }
	torch.NoGrad(func() {
		torch.UniformInPlace(weight, float64(2*cdf(low/std))-1, float64(2*cdf(high/std))-1)
		torch.ErfinvInPlace(weight)
		torch.MulScalarInPlace(weight, std*math.Sqrt(2))
		torch.ClampInPlace(weight, low, high) // after adding the mean, 0
	})
}
