package checkpoint

import (
	"errors"
	"fmt"
	"strings"
)

// entry is a tensor of a state dict under its name.
type entry struct {
	name   string
	tensor *tensor
}

// findEntries returns the tensors of what a pickle holds: a dict of tensors or, in a training
// checkpoint, the one dict of tensors among its values, whose key it returns as wrapper.
func findEntries(v value) (entries []entry, wrapper string, err error) {
	top, ok := v.(*dict)
	if !ok {
		return nil, "", fmt.Errorf("it holds %s, not a state dict: save one with torch.save(model.state_dict(), FILE)", describe(v))
	}
	var found []value // the keys of those
	var inner *dict
	tensors := 0
	for i, v := range top.values {
		switch v := v.(type) {
		case *tensor:
			tensors++
		case *dict:
			if len(v.keys) > 0 && onlyTensors(v) {
				found, inner = append(found, top.keys[i]), v
			}
		}
	}
	switch {
	case tensors == len(top.values):
		entries, err = named(top)
		return entries, "", err
	case tensors > 0:
		return nil, "", mixed(top)
	case len(found) == 0:
		return nil, "", fmt.Errorf("it holds a dict with %s, and no state dict among its values", keys(top))
	case len(found) > 1:
		return nil, "", fmt.Errorf("it holds %d state dicts, under %s: choose one in Python, torch.save(torch.load(FILE)[%.40q], NEW)",
			len(found), strings.TrimPrefix(keys(&dict{keys: found}), "the keys "), found[0])
	}
	entries, err = named(inner)
	return entries, fmt.Sprint(found[0]), err
}

func onlyTensors(d *dict) bool {
	for _, v := range d.values {
		if _, ok := v.(*tensor); !ok {
			return false
		}
	}
	return true
}

func named(d *dict) ([]entry, error) {
	entries := make([]entry, len(d.keys))
	for i, key := range d.keys {
		name, ok := key.(string)
		if !ok {
			return nil, fmt.Errorf("a tensor has the integer %v for a name: the keys of state dicts are strings", key)
		}
		t := d.values[i].(*tensor)
		if t.view == nil {
			return nil, fmt.Errorf("the parameter %q has no data", name)
		}
		entries[i] = entry{name, t}
	}
	return entries, nil
}

// mixed names an entry that keeps d from being a state dict.
func mixed(d *dict) error {
	for i, v := range d.values {
		if _, ok := v.(*tensor); !ok {
			return fmt.Errorf("its entry %.40q is %s, not a tensor", fmt.Sprint(d.keys[i]), describe(v))
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
		names = append(names, fmt.Sprintf("%.40q", fmt.Sprint(k)))
	}
	if len(names) == 0 {
		return "no keys"
	}
	return "the keys " + strings.Join(names, ", ")
}
