package checkpoint

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// entry is a tensor of a state dict under its name.
type entry struct {
	name   string
	tensor *tensor
}

// A SeveralError says that a file holds more than one state dict. A name such as FILE#state_dict_ema makes Read take
// one of them.
type SeveralError struct {
	Parts []string // parts that may follow the # sign
}

func (e *SeveralError) Error() string {
	return fmt.Sprintf("it holds %d state dicts, %s: choose one by adding its name to the file's, as in FILE#%.40s", len(e.Parts), join(quoted(e.Parts)), e.Parts[0])
}

// findEntries returns the tensors in a pickle: a dict of tensors or, in a training checkpoint, the one state dict in
// it, whose keys it returns as wrapper with dots between them. Of several it takes the one called part, which is
// empty if the file's name has none.
func findEntries(v value, part string) (entries []entry, wrapper string, err error) {
	top, ok := v.(*dict)
	if !ok {
		return nil, "", fmt.Errorf("it holds %s, not a state dict: save one with torch.save(model.state_dict(), FILE)", describe(v))
	}
	if part == "" && onlyTensors(top) {
		entries, err = named(top)
		return entries, "", err
	}
	f := finder{seen: map[*dict]bool{top: true}}
	f.walk(top, "")
	if part != "" {
		for i, path := range f.paths {
			if path == part {
				entries, err = named(f.found[i])
				return entries, part, err
			}
		}
		if len(f.paths) == 0 {
			return nil, "", fmt.Errorf("it has no part %.40q: it is one state dict, or none", part)
		}
		return nil, "", fmt.Errorf("it has no state dict %.40q: want %s", part, join(quoted(f.paths)))
	}
	switch {
	case len(f.found) > 1:
		return nil, "", &SeveralError{f.paths}
	case len(f.found) == 1:
		entries, err = named(f.found[0])
		return entries, f.paths[0], err
	case f.mixed != nil:
		return nil, "", fmt.Errorf("its %s is no state dict: %w", quote(f.mixedPath), mixed(f.mixed))
	case holdsTensor(top):
		return nil, "", mixed(top)
	}
	return nil, "", fmt.Errorf("it holds a dict with %s, and no state dict among its values", keys(top))
}

// finder looks for state dicts in the values of a dict, and in theirs.
type finder struct {
	paths []string
	found []*dict
	seen  map[*dict]bool
	// mixed is the first dict that has tensors and something else.
	mixed     *dict
	mixedPath string
}

// Limits of finder: names that people type, and memory for those that a hostile file has.
const (
	longestPath = 200 // bytes
	mostParts   = 100
)

// walk adds the state dicts below d, whose keys from the top are path. A dict below an integer is an optimizer's.
func (f *finder) walk(d *dict, path string) {
	if isOptimizer(d) {
		return
	}
	for i, v := range d.values {
		inner, ok := v.(*dict)
		key, ok2 := d.keys[i].(string)
		if !ok || !ok2 || f.seen[inner] || len(path)+len(key) > longestPath || len(f.found) == mostParts {
			continue
		}
		f.seen[inner] = true
		at := key
		if path != "" {
			at = path + "." + key
		}
		switch {
		case isStateDict(inner):
			f.paths, f.found = append(f.paths, at), append(f.found, inner)
		case holdsTensor(inner) && !onlyTensors(inner) && f.mixed == nil && !isOptimizer(inner):
			f.mixed, f.mixedPath = inner, at
			fallthrough
		default:
			f.walk(inner, at)
		}
	}
}

// isOptimizer reports whether d is a state dict of torch.optim.Optimizer.
func isOptimizer(d *dict) bool { return d.get("state") != nil && d.get("param_groups") != nil }

// isStateDict reports whether d, a value among others, looks like the weights of a network: only tensors, one of them
// of floating point with a dimension, which the states of generators and the counts of metrics are not.
func isStateDict(d *dict) bool {
	if !onlyTensors(d) {
		return false
	}
	for _, v := range d.values {
		t := v.(*tensor)
		switch t.view.storage.dtype {
		case Float32, Float16, BFloat16, Float64, 0:
			if len(t.view.shape) > 0 {
				return true
			}
		}
	}
	return false
}

func onlyTensors(d *dict) bool {
	return !slices.ContainsFunc(d.values, func(v value) bool { _, ok := v.(*tensor); return !ok })
}

func holdsTensor(d *dict) bool {
	return slices.ContainsFunc(d.values, func(v value) bool {
		_, ok := v.(*tensor)
		o, ok2 := v.(*other)
		return ok || ok2 && o.tensor
	})
}

func named(d *dict) ([]entry, error) {
	entries := make([]entry, len(d.keys))
	for i, key := range d.keys {
		name, ok := key.(string)
		if !ok {
			return nil, fmt.Errorf("a tensor has %s for a name: the keys of state dicts are strings", show(key))
		}
		t := d.values[i].(*tensor)
		if s := t.view.storage; s.dtype == 0 {
			return nil, fmt.Errorf("the tensor %q has its data in a %s: no image classifier has weights of that type", name, s.class)
		}
		entries[i] = entry{name, t}
	}
	return entries, nil
}

// mixed names an entry that keeps d from being a state dict.
func mixed(d *dict) error {
	for i, v := range d.values {
		if _, ok := v.(*tensor); !ok {
			return fmt.Errorf("its entry %s is %s, not a tensor of a network", show(d.keys[i]), describe(v))
		}
	}
	return errors.New("it is a dict of tensors")
}

// keys names the keys of a dict, for a message.
func keys(d *dict) string {
	const most = 8
	var names []string
	for i, k := range d.keys {
		if i == most {
			names = append(names, fmt.Sprintf("… and %d more", len(d.keys)-most))
			break
		}
		names = append(names, show(k))
	}
	if len(names) == 0 {
		return "no keys"
	}
	return "the keys " + strings.Join(names, ", ")
}

func quote(s string) string { return fmt.Sprintf("%.40q", s) }

func quoted(names []string) []string {
	q := make([]string, len(names))
	for i, name := range names {
		q[i] = quote(name)
	}
	return q
}

// join joins the first few of names.
func join(names []string) string {
	const most = 8
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}
