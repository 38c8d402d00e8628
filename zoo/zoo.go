// Package zoo has networks to fine-tune: torchvision's, with its names, shapes, initialisation and published weights.
//
//	arch, err := zoo.Find("resnet18")
//	net, err := arch.Load(s, stateDict)
//	zoo.ReplaceHead(s, net, 2)
//
// To add one, write its constructor and a line in the table of registry.go.
package zoo

import (
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
)

// A Network is a classifier whose last layer, the head, is a linear one.
type Network interface {
	nn.Module
	nn.Parent
	Head() *nn.Linear
	SetHead(head *nn.Linear)
	// Top returns the module that computes logits N×classes from the vectors N×C of [Embed]: the head and the layers
	// before it.
	Top() nn.Module
	// Stages returns the parts of the network from the first layers to the head. Every parameter is in one of them.
	Stages() []nn.Module
	// Fold returns a copy of the network for inference, with the present weights: each BatchNorm is folded into its
	// convolution, which includes the ReLU behind it. All layers compute in dtype except the head, which is shared. s
	// owns the new weights.
	Fold(s *torch.Scope, dtype torch.DType) nn.Module
}

// ReplaceHead gives net a new head with the given number of classes, drawn from the default generator as
// torch.nn.Linear draws it. s owns the new head; the old one stays in its own scope.
func ReplaceHead(s *torch.Scope, net Network, classes int64) {
	net.SetHead(nn.NewLinear(s, net.Head().In(), classes))
}
