// Package zoo has the networks that the program fine-tunes: torchvision's, with its names, shapes,
// initialisation and published weights.
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
	// Top returns what makes logits N×classes of the vectors N×C of [Embed]: the head, with what comes before it.
	Top() nn.Module
	// Fold returns the network in evaluation mode, with the weights of now, for inference alone: each BatchNorm
	// folded into its convolution, which takes the ReLU behind it along, all in dtype but for the head, which
	// is shared. s owns the new weights.
	Fold(s *torch.Scope, dtype torch.DType) nn.Module
}

// ReplaceHead gives net a new head with the given number of classes, drawn from the default generator
// as torch.nn.Linear draws it. s owns the new head; the old one stays with its own scope.
func ReplaceHead(s *torch.Scope, net Network, classes int64) {
	net.SetHead(nn.NewLinear(s, net.Head().In(), classes))
}
