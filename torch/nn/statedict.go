package nn

import (
	"fmt"
	"slices"
	"strings"

	"hymenoptera/checkpoint"
	"hymenoptera/torch"
)

// Export returns a copy of m's state dict in Go's memory, for a file. [LoadStateDict] is the inverse.
func Export(m Module) *checkpoint.StateDict {
	sd := &checkpoint.StateDict{}
	for _, e := range StateDict(m) {
		t := ExportTensor(e.Name, e.Tensor)
		t.Parameter, t.RequiresGrad = e.Parameter, torch.RequiresGrad(e.Tensor)
		sd.Tensors = append(sd.Tensors, t)
	}
	return sd
}

// ExportTensor returns a copy of t, from any device, in Go's memory, for a file. [ImportTensor] is the inverse.
func ExportTensor(name string, t *torch.Tensor) checkpoint.Tensor {
	s := torch.NewScope()
	defer s.Close()
	t = torch.Contiguous(s, torch.To(s, torch.Detach(s, t), torch.CPU))
	return checkpoint.Tensor{Name: name, DType: checkpointDTypes[t.DType()], Shape: t.Shape(), Data: slices.Clone(torch.Bytes(t))}
}

// ImportTensor returns a copy of a file's tensor on the CPU. It fails for types that no module takes.
func ImportTensor(s *torch.Scope, t checkpoint.Tensor) *torch.Tensor {
	if torchDType(t.DType) < 0 {
		torch.Fail(fmt.Errorf("nn: %q holds %v, which no module takes", t.Name, t.DType))
	}
	return torch.FromBytes(s, torchDType(t.DType), t.Data, t.Shape...)
}

// checkpointDTypes maps the types of a module's tensors to those of files.
var checkpointDTypes = map[torch.DType]checkpoint.DType{
	torch.Float32: checkpoint.Float32, torch.Float64: checkpoint.Float64,
	torch.Float16: checkpoint.Float16, torch.BFloat16: checkpoint.BFloat16,
	torch.Int64: checkpoint.Int64, torch.Int32: checkpoint.Int32,
	torch.Uint8: checkpoint.Uint8, torch.Bool: checkpoint.Bool,
}

// LoadStateDict copies sd into m's tensors, strictly, as Module.load_state_dict does: if keys or shapes differ it
// changes nothing and reports every missing key, unexpected key and wrong shape. num_batches_tracked may be missing,
// as in files of old versions of PyTorch.
func LoadStateDict(m Module, sd *checkpoint.StateDict) error {
	if err := Check(m); err != nil {
		return err
	}
	entries := StateDict(m)
	if err := compare(entries, sd); err != nil {
		return err
	}
	s := torch.NewScope()
	defer s.Close()
	torch.NoGrad(func() {
		for _, e := range entries {
			if t, ok := sd.Get(e.Name); ok {
				c := s.Child()
				torch.CopyInPlace(e.Tensor, ImportTensor(c, t))
				c.Close()
			}
		}
	})
	return nil
}

func torchDType(d checkpoint.DType) torch.DType {
	for t, c := range checkpointDTypes {
		if c == d {
			return t
		}
	}
	return -1 // compare refuses such a state dict
}

// compare returns an error that names every difference between the model's keys and the file's.
func compare(entries []Entry, sd *checkpoint.StateDict) error {
	var missing, unexpected, wrong []string
	known := map[string]bool{}
	for _, e := range entries {
		known[e.Name] = true
		t, ok := sd.Get(e.Name)
		switch want := e.Tensor.Shape(); {
		case !ok && !strings.HasSuffix(e.Name, "num_batches_tracked"):
			missing = append(missing, e.Name)
		case ok && !slices.Equal(t.Shape, want):
			wrong = append(wrong, fmt.Sprintf("%s is %v, the model's is %v", e.Name, t.Shape, want))
		case ok && torchDType(t.DType) < 0:
			wrong = append(wrong, fmt.Sprintf("%s holds %v, which no model takes", e.Name, t.DType))
		}
	}
	for _, t := range sd.Tensors {
		if !known[t.Name] {
			unexpected = append(unexpected, t.Name)
		}
	}
	var all []string
	for _, part := range []struct {
		what string
		list []string
	}{{"missing keys", missing}, {"unexpected keys", unexpected}, {"wrong shapes or types", wrong}} {
		if len(part.list) > 0 {
			all = append(all, fmt.Sprintf("%d %s: %s", len(part.list), part.what, abridge(part.list)))
		}
	}
	if all == nil {
		return nil
	}
	return fmt.Errorf("the weights are another model's: %s", strings.Join(all, "; "))
}

// abridge joins the first few of a list, so that an error stays readable.
func abridge(list []string) string {
	const most = 6
	if len(list) > most {
		return strings.Join(list[:most], ", ") + fmt.Sprintf(" and %d more", len(list)-most)
	}
	return strings.Join(list, ", ")
}
