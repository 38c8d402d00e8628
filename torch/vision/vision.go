// Package vision prepares pictures on the training's device: torchvision's transforms for tensors.
//
//	out := torch.Empty(s, torch.Float32, device, 1, 3, 224, 224)
//	vision.ResizedCrop(s, out, picture, image.Rect(10, 20, 310, 250), true)
//	x := vision.NewNormalizer(s, mean, std, device).Apply(s, out)
//
// A picture's numbers are 0 to 255. Package transforms does the same on the host with Pillow's integers. This package
// computes with floats and rounds once, as torchvision does with tensors, so some numbers differ by 1.
package vision

import (
	"image"

	"hymenoptera/torch"
)

// ResizedCrop resizes the pixels of crop in picture, 1×3×H×W of uint8, to the size of out, 1×3×h×w of float32, with
// antialiased bilinear weights, mirrors them left to right where flip is set, and writes whole numbers into out.
func ResizedCrop(s *torch.Scope, out, picture *torch.Tensor, crop image.Rectangle, flip bool) {
	c := s.Child()
	defer c.Close()
	x := torch.Narrow(c, picture, 2, int64(crop.Min.Y), int64(crop.Dy()))
	x = torch.Narrow(c, x, 3, int64(crop.Min.X), int64(crop.Dx()))
	size := out.Shape()
	x = torch.ResizeBilinear(c, torch.ToDType(c, x, torch.Float32), size[2], size[3])
	if flip {
		x = torch.Flip(c, x, 3)
	}
	torch.CopyInPlace(out, torch.RoundInPlace(x))
}

// A Normalizer does ToTensor and Normalize: ((x/255) - mean) / std, each step rounded to float32.
type Normalizer struct{ scale, mean, std *torch.Tensor } // 1×1×1×1, 1×3×1×1, 1×3×1×1

// NewNormalizer returns a normalizer for the given statistics of red, green and blue. s owns its tensors.
func NewNormalizer(s *torch.Scope, mean, std [3]float32, device torch.Device) *Normalizer {
	channels := func(v ...float32) *torch.Tensor {
		return torch.To(s, torch.FromFloat32s(s, v, 1, int64(len(v)), 1, 1), device)
	}
	// The divisor is a tensor on the device, because libtorch divides by a number by multiplying with its inverse.
	return &Normalizer{channels(255), channels(mean[:]...), channels(std[:]...)}
}

// Apply returns x N×3×H×W of float32 normalised.
func (n *Normalizer) Apply(s *torch.Scope, x *torch.Tensor) *torch.Tensor {
	return s.Tidy(func(s *torch.Scope) *torch.Tensor {
		return torch.Div(s, torch.Sub(s, torch.Div(s, x, n.scale), n.mean), n.std)
	})
}
