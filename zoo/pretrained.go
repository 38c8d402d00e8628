package zoo

import (
	"fmt"
	"slices"
	"strings"

	"hymenoptera/checkpoint"
	"hymenoptera/torch"
)

// prefixes are the prefixes that wrappers add to the names of a network: DataParallel, torch.compile, and the
// attribute that people keep the network in. No network here has a part of such a name.
var prefixes = []string{"module.", "_orig_mod.", "model.", "backbone.", "encoder."}

// counters are the last parts of names that tools add to state dicts: those of thop and of AveragedModel.
var counters = []string{"total_ops", "total_params", "n_averaged"}

// LoadPretrained returns the network with weights to start a training with; the caller replaces its head. If the network
// without its head is complete, it accepts more than Load: a prefix of all names, counters of other tools, another head or
// none. notes describes which of these it found.
func (a Arch) LoadPretrained(s *torch.Scope, sd *checkpoint.StateDict) (net Network, notes []string, err error) {
	tensors, counted := withoutCounters(sd.Tensors)
	if len(counted) > 0 {
		more := ""
		if len(counted) > 1 {
			more = fmt.Sprintf(" and %d more", len(counted)-1)
		}
		notes = append(notes, fmt.Sprintf("left out %q%s, which other tools count", counted[0], more))
	}
	tensors, prefix := withoutPrefix(tensors)
	if prefix != "" {
		notes = append(notes, fmt.Sprintf("left out %q, which every name begins with", prefix))
	}
	tensors, headless := a.withHead(tensors)
	if headless {
		notes = append(notes, "has no fc.weight and fc.bias; the new head replaces them anyway")
	}
	whole := &checkpoint.StateDict{Tensors: tensors, Metadata: sd.Metadata}
	if net, err = a.loadStrictly(s, whole); err != nil {
		return nil, nil, err
	}
	trunk := slices.DeleteFunc(slices.Clone(tensors), func(t checkpoint.Tensor) bool { return isHead(t.Name) })
	if err := (&checkpoint.StateDict{Tensors: trunk}).CheckFinite(); err != nil {
		return nil, nil, err
	}
	if whole.CheckFinite() != nil {
		notes = append(notes, "has values that are NaN or infinite in its head; the new head replaces it")
	}
	return net, notes, nil
}

// withoutCounters returns the tensors that are not counters, and the names of the counters.
func withoutCounters(tensors []checkpoint.Tensor) (kept []checkpoint.Tensor, counted []string) {
	for _, t := range tensors {
		if slices.Contains(counters, t.Name[strings.LastIndexByte(t.Name, '.')+1:]) {
			counted = append(counted, t.Name)
		} else {
			kept = append(kept, t)
		}
	}
	return kept, counted
}

// withoutPrefix returns the tensors under names without the prefixes that all of them have, and these prefixes.
func withoutPrefix(tensors []checkpoint.Tensor) (renamed []checkpoint.Tensor, prefix string) {
	for len(tensors) > 0 {
		i := slices.IndexFunc(prefixes, func(p string) bool { return strings.HasPrefix(tensors[0].Name[len(prefix):], p) })
		if i < 0 {
			break
		}
		longer := prefix + prefixes[i]
		if slices.ContainsFunc(tensors, func(t checkpoint.Tensor) bool { return !strings.HasPrefix(t.Name, longer) }) {
			break
		}
		prefix = longer
	}
	renamed = slices.Clone(tensors)
	for i := range renamed {
		renamed[i].Name = renamed[i].Name[len(prefix):]
	}
	return renamed, prefix
}

// withHead returns the tensors, with a head of zeros if they have none.
func (a Arch) withHead(tensors []checkpoint.Tensor) (whole []checkpoint.Tensor, added bool) {
	classes := int64(1)
	for _, t := range tensors {
		switch t.Name {
		case "fc.weight", "fc.bias":
			return tensors, false
		case "aux1.fc2.weight":
			if len(t.Shape) == 2 {
				classes = t.Shape[0]
			}
		}
	}
	whole = slices.DeleteFunc(slices.Clone(tensors), func(t checkpoint.Tensor) bool { return strings.HasPrefix(t.Name, "fc.") })
	return append(whole,
		checkpoint.Tensor{Name: "fc.weight", DType: checkpoint.Float32, Shape: []int64{classes, a.features}, Data: make([]byte, 4*classes*a.features)},
		checkpoint.Tensor{Name: "fc.bias", DType: checkpoint.Float32, Shape: []int64{classes}, Data: make([]byte, 4*classes)}), true
}

// isHead reports whether a tensor belongs to a head, which training replaces or drops.
func isHead(name string) bool {
	return strings.HasPrefix(name, "fc.") || strings.HasPrefix(name, "aux1.") || strings.HasPrefix(name, "aux2.")
}
