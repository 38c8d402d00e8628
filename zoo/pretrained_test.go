package zoo_test

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"hymenoptera/checkpoint"
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
	"hymenoptera/zoo"
)

// change returns a copy of sd with other names, without tensors whose name becomes empty.
func change(sd *checkpoint.StateDict, rename func(string) string) *checkpoint.StateDict {
	c := &checkpoint.StateDict{Metadata: sd.Metadata}
	for _, t := range sd.Tensors {
		if t.Name = rename(t.Name); t.Name != "" {
			c.Tensors = append(c.Tensors, t)
		}
	}
	return c
}

func prefixed(prefix string) func(string) string {
	return func(name string) string { return prefix + name }
}

func without(prefix string) func(string) string {
	return func(name string) string {
		if strings.HasPrefix(name, prefix) {
			return ""
		}
		return name
	}
}

func with(sd *checkpoint.StateDict, names ...string) *checkpoint.StateDict {
	c := &checkpoint.StateDict{Tensors: slices.Clone(sd.Tensors)}
	for _, name := range names {
		c.Tensors = append(c.Tensors, checkpoint.Tensor{Name: name, DType: checkpoint.Float64, Shape: []int64{1}, Data: make([]byte, 8)})
	}
	return c
}

func spoiled(sd *checkpoint.StateDict, name string) *checkpoint.StateDict {
	c := &checkpoint.StateDict{Tensors: slices.Clone(sd.Tensors)}
	for i, t := range c.Tensors {
		if t.Name == name {
			c.Tensors[i].Data = slices.Clone(t.Data)
			binary.LittleEndian.PutUint32(c.Tensors[i].Data, math.Float32bits(float32(math.NaN())))
		}
	}
	return c
}

func TestLoadPretrained(t *testing.T) {
	err := torch.Do(t.Context(), func(s *torch.Scope) error {
		arch, err := zoo.Find("resnet18")
		if err != nil {
			return err
		}
		sd := nn.Export(arch.New(s, 7))
		trunk := change(sd, without("fc.")).SHA256()
		for name, test := range map[string]struct {
			sd     *checkpoint.StateDict
			strict bool   // Load takes it too
			notes  string // with "; " between them
			fails  string
		}{
			"as it is":          {sd: sd, strict: true},
			"DataParallel":      {sd: change(sd, prefixed("module.")), notes: `left out "module.", which every name begins with`},
			"compiled":          {sd: change(sd, prefixed("_orig_mod.")), notes: `left out "_orig_mod.", which every name begins with`},
			"compiled, wrapped": {sd: change(sd, prefixed("model.module._orig_mod.backbone.encoder.")), notes: `left out "model.module._orig_mod.backbone.encoder.", which every name begins with`},
			"some prefixed": {sd: change(sd, func(name string) string {
				if strings.HasPrefix(name, "layer") {
					return "module." + name
				}
				return name
			}), fails: "missing keys: layer1.0.conv1.weight"},
			"another prefix": {sd: change(sd, prefixed("net.")), fails: "unexpected keys: net.conv1.weight"},
			"thop":           {sd: with(sd, "total_ops", "total_params", "layer1.0.total_ops"), notes: `left out "total_ops" and 2 more, which other tools count`},
			"averaged": {sd: with(change(sd, prefixed("module.")), "n_averaged"),
				notes: `left out "n_averaged", which other tools count; left out "module.", which every name begins with`},
			"before BatchNorm counted": {sd: change(sd, func(name string) string {
				if strings.HasSuffix(name, "num_batches_tracked") {
					return ""
				}
				return name
			}), strict: true},
			"headless":     {sd: change(sd, without("fc.")), notes: "has no fc.weight and fc.bias; the new head replaces them anyway"},
			"another head": {sd: with(change(sd, without("fc.")), "fc.1.weight", "fc.1.bias"), notes: "has no fc.weight and fc.bias; the new head replaces them anyway"},
			"half a head":  {sd: change(sd, without("fc.bias")), fails: "missing keys: fc.bias"},
			"encoder without a head": {sd: change(change(sd, without("fc.")), prefixed("encoder.")),
				notes: `left out "encoder.", which every name begins with; has no fc.weight and fc.bias; the new head replaces them anyway`},
			"unknown tensor":   {sd: with(sd, "layer5.weight"), fails: "unexpected keys: layer5.weight"},
			"missing layer":    {sd: change(sd, without("layer4.")), fails: "missing keys: layer4."},
			"nothing":          {sd: &checkpoint.StateDict{}, fails: "missing keys"},
			"NaN":              {sd: spoiled(sd, "layer1.0.bn1.running_var"), fails: `a value of the weights is NaN or infinite, in "layer1.0.bn1.running_var"`},
			"NaN in the head":  {sd: spoiled(sd, "fc.bias"), notes: "has values that are NaN or infinite in its head; the new head replaces it"},
			"NaN, and wrapped": {sd: change(spoiled(sd, "conv1.weight"), prefixed("module.")), fails: `is NaN or infinite, in "conv1.weight"`},
		} {
			net, notes, err := arch.LoadPretrained(s, test.sd)
			if (err == nil) != (test.fails == "") || err != nil && !strings.Contains(err.Error(), test.fails) {
				t.Errorf("%s: got %v, want %q", name, err, test.fails)
			}
			if err == nil && (strings.Join(notes, "; ") != test.notes || change(nn.Export(net), without("fc.")).SHA256() != trunk) && !strings.HasPrefix(name, "before") {
				t.Errorf("%s: got the notes %q, want %q, or other weights", name, notes, test.notes)
			}
			if _, err := arch.Load(s, test.sd); (err == nil) != test.strict {
				t.Errorf("%s: Load gives %v, want it taken: %v", name, err, test.strict)
			}
		}
		var bad *checkpoint.NonFiniteError
		if _, err := arch.Load(s, spoiled(sd, "fc.bias")); !errors.As(err, &bad) || bad.Tensor != "fc.bias" {
			t.Errorf("a head of NaN: got %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// GoogLeNet's file has three heads; training keeps none of them.
func TestLoadPretrainedGoogLeNet(t *testing.T) {
	err := torch.Do(t.Context(), func(s *torch.Scope) error {
		arch, err := zoo.Find("googlenet")
		if err != nil {
			return err
		}
		sd := nn.Export(arch.New(s, 7))
		for _, of := range []*checkpoint.StateDict{sd, change(sd, prefixed("module.")), change(sd, without("fc."))} {
			if _, _, err := arch.LoadPretrained(s, of); err != nil {
				t.Error(err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// No network has names that LoadPretrained leaves out.
func TestNamesAreNotLeftOut(t *testing.T) {
	err := torch.Do(t.Context(), func(s *torch.Scope) error {
		for _, name := range zoo.Names() {
			arch, err := zoo.Find(name)
			if err != nil {
				return err
			}
			for _, e := range nn.StateDict(arch.New(s, 2)) {
				first, _, _ := strings.Cut(e.Name, ".")
				last := e.Name[strings.LastIndexByte(e.Name, '.')+1:]
				if slices.Contains([]string{"module", "_orig_mod", "model", "backbone", "encoder"}, first) || slices.Contains([]string{"total_ops", "total_params", "n_averaged"}, last) {
					t.Errorf("%s has a tensor %s", name, e.Name)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
