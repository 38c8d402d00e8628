package trainer

import (
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
)

// A snapshot is a deep copy of a model's parameters and BatchNorm statistics, on the model's device.
type snapshot struct {
	model  nn.Module
	copies []*torch.Tensor
}

// newSnapshot copies the model's present tensors; s owns the copies.
func newSnapshot(s *torch.Scope, model nn.Module) *snapshot {
	n := &snapshot{model: model}
	torch.NoGrad(func() {
		for _, e := range nn.StateDict(model) {
			n.copies = append(n.copies, torch.Clone(s, e.Tensor))
		}
	})
	return n
}

// take copies the model's tensors into the snapshot.
func (n *snapshot) take() {
	torch.NoGrad(func() {
		for i, e := range nn.StateDict(n.model) {
			torch.CopyInPlace(n.copies[i], e.Tensor)
		}
	})
}

// restore copies the snapshot back into the model.
func (n *snapshot) restore() {
	torch.NoGrad(func() {
		for i, e := range nn.StateDict(n.model) {
			torch.CopyInPlace(e.Tensor, n.copies[i])
		}
	})
}

// each calls f for every tensor of the snapshot, in the order of the state dict.
func (n *snapshot) each(f func(key string, t *torch.Tensor)) {
	for i, e := range nn.StateDict(n.model) {
		f(e.Name, n.copies[i])
	}
}
