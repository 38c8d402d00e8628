// Package nn has the layers that image classifiers are built from, with PyTorch's names, shapes and initialisation,
// and walks over a network for state dicts, optimizers and train/eval mode.
//
//	fc := nn.NewLinear(s, 512, 2)
//	logits := fc.Forward(s, x) // N×512 -> N×2
//	for _, e := range nn.StateDict(fc) {
//		fmt.Println(e.Name, e.Tensor.Shape()) // weight [2 512], bias [2]
//	}
//
// A constructor's scope owns the layer's tensors. It draws initial values from libtorch's default
// generator exactly as the PyTorch module does, so that one seed gives one network.
package nn

import "hymenoptera/torch"

// A Module is a network or a part of one. A type of any package can be one. A module with parts is also a [Parent], one with
// its own parameters or buffers an [Owner], and one that behaves differently in training and evaluation a [Moded].
type Module interface {
	// Forward returns the output for x; s owns it.
	Forward(s *torch.Scope, x *torch.Tensor) *torch.Tensor
}

// A Parent is a Module that consists of others.
type Parent interface {
	// Children returns the parts in the order in which PyTorch registers them.
	Children() []Child
}

// A Child is a part of a module under the name that state dicts give it.
type Child struct {
	Name   string
	Module Module
}

// An Owner is a Module that has tensors of its own.
type Owner interface {
	// Tensors returns the parameters and then the buffers, in PyTorch's order, under names without dots. An entry may
	// have a nil tensor, as for a layer without bias.
	Tensors() []Entry
}

// An Entry is one tensor of a state dict.
type Entry struct {
	Name      string // "layer1.0.conv1.weight"
	Tensor    *torch.Tensor
	Parameter bool // false for a buffer: running statistics and the like
}

// A Moded is a Module that behaves differently in training and in evaluation.
type Moded interface {
	// SetTraining changes this module only, not its children.
	SetTraining(on bool)
}

// StateDict returns every parameter and buffer of m in PyTorch's order and under PyTorch's names. If [Check] finds a hidden
// tensor, StateDict ends the enclosing torch.Do with its error. So do Parameters, Trainable, SetRequiresGrad, SetTraining,
// To, Export and LoadStateDict.
func StateDict(m Module) []Entry {
	var all []Entry
	checkedWalk(m, func(prefix string, m Module) {
		if o, ok := m.(Owner); ok {
			for _, e := range o.Tensors() {
				if e.Tensor != nil {
					e.Name = prefix + e.Name
					all = append(all, e)
				}
			}
		}
	})
	return all
}

// Parameters returns the parameters of m, in PyTorch's order.
func Parameters(m Module) []*torch.Tensor {
	var ps []*torch.Tensor
	for _, e := range StateDict(m) {
		if e.Parameter {
			ps = append(ps, e.Tensor)
		}
	}
	return ps
}

// Trainable returns the parameters of m that require a gradient, for an optimizer.
func Trainable(m Module) []*torch.Tensor {
	var ps []*torch.Tensor
	for _, p := range Parameters(m) {
		if torch.RequiresGrad(p) {
			ps = append(ps, p)
		}
	}
	return ps
}

// SetRequiresGrad turns gradients on or off for the present parameters of m.
func SetRequiresGrad(m Module, on bool) {
	for _, p := range Parameters(m) {
		torch.SetRequiresGrad(p, on)
	}
}

// SetTraining puts every part of m into training mode or, with on false, into evaluation mode.
func SetTraining(m Module, on bool) {
	checkedWalk(m, func(_ string, m Module) {
		if l, ok := m.(Moded); ok {
			l.SetTraining(on)
		}
	})
}

// Walk calls f for m and every module in it, parents first, as Module.modules() in PyTorch.
func Walk(m Module, f func(m Module)) {
	walk("", m, func(_ string, m Module) { f(m) })
}

// checkedWalk is walk, but fails if Check finds a hidden part.
func checkedWalk(m Module, f func(prefix string, m Module)) {
	if err := Check(m); err != nil {
		torch.Fail(err)
	}
	walk("", m, f)
}

func walk(prefix string, m Module, f func(prefix string, m Module)) {
	f(prefix, m)
	if p, ok := m.(Parent); ok {
		for _, c := range p.Children() {
			walk(prefix+c.Name+".", c.Module, f)
		}
	}
}

// To moves every tensor of m to device. The tensors keep their identity, so an optimizer of them stays valid.
func To(m Module, device torch.Device) {
	for _, e := range StateDict(m) {
		torch.MoveInPlace(e.Tensor, device)
	}
}

// ToChannelsLast puts the tensors with four dimensions, the convolutions' weights, into channels-last memory. A
// network with such weights and images computes in that layout throughout. The tensors keep their identity, and their
// order of elements in files.
func ToChannelsLast(m Module) {
	for _, e := range StateDict(m) {
		if len(e.Tensor.Shape()) == 4 {
			torch.ChannelsLastInPlace(e.Tensor)
		}
	}
}
