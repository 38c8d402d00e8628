package nn_test

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"hymenoptera/torch"
	"hymenoptera/torch/nn"
)

// A gate is a layer of another package: y = scale·x, and it counts its batches in training.
type gate struct {
	scale    *torch.Tensor // scalar parameter
	seen     *torch.Tensor // int64 scalar buffer
	training bool
}

func newGate(s *torch.Scope) *gate {
	scale := torch.FillInPlace(torch.Empty(s, torch.Float32, torch.CPU), 2)
	return &gate{scale: torch.SetRequiresGrad(scale, true), seen: torch.Zeros(s, torch.Int64, torch.CPU)}
}

func (g *gate) Forward(s *torch.Scope, x *torch.Tensor) *torch.Tensor {
	if g.training {
		torch.AddScalarInPlace(g.seen, 1)
	}
	return torch.Mul(s, x, g.scale)
}

func (g *gate) Tensors() []nn.Entry {
	return []nn.Entry{{Name: "scale", Tensor: g.scale, Parameter: true}, {Name: "seen", Tensor: g.seen}}
}

func (g *gate) SetTraining(on bool) { g.training = on }

func TestModulesOfOtherPackages(t *testing.T) {
	do(t, func(s *torch.Scope) {
		g := newGate(s)
		net := nn.Sequential{nn.NewLinear(s, 2, 3), g}
		var names []string
		for _, e := range nn.StateDict(net) {
			names = append(names, e.Name)
		}
		if want := []string{"0.weight", "0.bias", "1.scale", "1.seen"}; !slices.Equal(names, want) {
			t.Errorf("got %q, want %q", names, want)
		}
		if got := len(nn.Trainable(net)); got != 3 {
			t.Errorf("%d trainable parameters, want 3", got)
		}
		for _, on := range []bool{true, false} {
			nn.SetTraining(net, on)
			net.Forward(s, torch.Zeros(s, torch.Float32, torch.CPU, 1, 2))
		}
		if got := torch.Item(g.seen); got != 1 {
			t.Errorf("%v batches in training, want 1", got)
		}
		nn.To(net, torch.CPU)
		other := nn.Sequential{nn.NewLinear(s, 2, 3), newGate(s)}
		torch.NoGrad(func() { torch.FillInPlace(g.scale, 5) })
		if err := nn.LoadStateDict(other, nn.Export(net)); err != nil {
			t.Fatal(err)
		}
		if loaded := other[1].(*gate); torch.Item(loaded.scale) != 5 || torch.Item(loaded.seen) != 1 {
			t.Errorf("loaded scale %v and %v batches, want 5 and 1", torch.Item(loaded.scale), torch.Item(loaded.seen))
		}
	})
}

// A layer names none of its tensors and modules.
type layer struct {
	W      *torch.Tensor
	parts  []nn.Module
	byName map[string]*nn.Linear
	nested struct{ w [2]*torch.Tensor }
	mask   *torch.Tensor `nn:"-"`
	*tail
	sizes  []float32
	helper *helper
}

// A helper is not a Module, as its Forward would take two tensors.
type helper struct {
	w    *torch.Tensor
	next *helper
}

type tail struct{ Extra nn.Module }

func (*layer) Forward(_ *torch.Scope, x *torch.Tensor) *torch.Tensor { return x }

// A named layer names the weight.
type named struct{ layer }

func (n *named) Tensors() []nn.Entry { return []nn.Entry{{Name: "W", Tensor: n.W, Parameter: true}} }

func TestCheckFindsWhatIsNotNamed(t *testing.T) {
	do(t, func(s *torch.Scope) {
		w, ring := torch.Zeros(s, torch.Float32, torch.CPU, 2), &helper{}
		ring.next = ring
		for _, tt := range []struct {
			m    nn.Module
			want string
		}{
			{&layer{}, ""},
			{&layer{mask: w, sizes: make([]float32, 3)}, ""},
			{&layer{parts: []nn.Module{nn.ReLU{}, nn.Sequential{nn.Flatten{}}, nil}}, ""},
			{&named{layer{W: w}}, ""},
			{&layer{W: w}, "*nn_test.layer: W"},
			{&layer{parts: []nn.Module{nn.ReLU{}, nn.NewLinear(s, 1, 1)}}, "*nn_test.layer: parts[1]"},
			{&layer{parts: []nn.Module{nn.Sequential{nn.NewLinear(s, 1, 1)}}}, "*nn_test.layer: parts[0][0]"},
			{&layer{byName: map[string]*nn.Linear{"a": nn.NewLinear(s, 1, 1)}}, "*nn_test.layer: byName[a]"},
			{&layer{nested: struct{ w [2]*torch.Tensor }{[2]*torch.Tensor{nil, w}}}, "*nn_test.layer: nested.w[1]"},
			{&layer{tail: &tail{nn.NewLinear(s, 1, 1)}}, "*nn_test.layer: tail.Extra"},
			{&layer{helper: &helper{next: &helper{w: w}}}, "*nn_test.layer: helper.next.w"},
			{&layer{helper: ring}, ""},
			{nn.Sequential{nn.NewLinear(s, 1, 1), &layer{W: w}}, "*nn_test.layer: W"},
		} {
			err := nn.Check(tt.m)
			var hidden *nn.HiddenError
			if got := errors.As(err, &hidden); got != (tt.want != "") || got && hidden.Type+": "+hidden.Field != tt.want {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		}
	})
	for name, f := range map[string]func(m nn.Module){
		"StateDict":   func(m nn.Module) { nn.StateDict(m) },
		"Trainable":   func(m nn.Module) { nn.Trainable(m) },
		"SetTraining": func(m nn.Module) { nn.SetTraining(m, true) },
		"Export":      func(m nn.Module) { nn.Export(m) },
		"To":          func(m nn.Module) { nn.To(m, torch.CPU) },
	} {
		err := torch.Do(t.Context(), func(s *torch.Scope) error {
			f(&layer{W: torch.Zeros(s, torch.Float32, torch.CPU)})
			return nil
		})
		var hidden *nn.HiddenError
		if !errors.As(err, &hidden) || !strings.Contains(err.Error(), "W is in neither Tensors() nor Children() of *nn_test.layer") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// The outputs in testdata/modules.json are PyTorch's (scripts/make_module_goldens.py).
func TestModulesAreTorchs(t *testing.T) {
	data, err := os.ReadFile("testdata/modules.json")
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]struct {
		Shape  []int64
		Values []float32
	}
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	modules := map[string]nn.Module{
		"relu": nn.ReLU{}, "flatten": nn.Flatten{},
		"max 2":                    nn.MaxPool2d{Kernel: 2},
		"max 3 stride 2 padding 1": nn.MaxPool2d{Kernel: 3, Stride: 2, Padding: 1},
		"max 3 stride 2 ceil":      nn.MaxPool2d{Kernel: 3, Stride: 2, CeilMode: true},
		"avg 2":                    nn.AvgPool2d{Kernel: 2},
		"avg 3 stride 2 padding 1": nn.AvgPool2d{Kernel: 3, Stride: 2, Padding: 1},
	}
	if len(modules) != len(want) {
		t.Errorf("%d modules, %d in the file", len(modules), len(want))
	}
	x := make([]float32, 2*3*7*9)
	for i := range x {
		x[i] = float32(i*7919%257-128) / 8
	}
	for name, m := range modules {
		do(t, func(s *torch.Scope) {
			y := m.Forward(s, torch.FromFloat32s(s, x, 2, 3, 7, 9))
			if got := torch.Float32s(s, y); !slices.Equal(y.Shape(), want[name].Shape) || !slices.Equal(got, want[name].Values) {
				t.Errorf("%s: got %v of %v, want %v of %v", name, got, y.Shape(), want[name].Values, want[name].Shape)
			}
		})
	}
}
