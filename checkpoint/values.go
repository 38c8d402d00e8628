package checkpoint

import "fmt"

// A value is a value in a pickle: none, bool, int64, float64, string, *tuple, *list, *dict, global, *storage, *tensor
// or *other.
type value any

type (
	none   struct{}
	tuple  struct{ items []value }
	list   struct{ items []value }
	global struct{ module, name string }

	// other is a value that no state dict needs but files have beside one, such as a set: only its kind is kept.
	other struct {
		what   string
		tensor bool // of a kind that no network here takes
	}

	// dict is a dict, an OrderedDict or a Counter: all keep the order of their keys.
	dict struct {
		keys, values []value
		index        map[value]int
		ordered      bool // an OrderedDict, which may have attributes
	}

	// A tensor is a view with the other attributes of the Python object.
	tensor struct {
		view                    *view
		parameter, requiresGrad bool
	}
)

func (g global) String() string { return g.module + "." + g.name }

// add returns false if d has the key.
func (d *dict) add(key, v value) bool {
	if _, ok := d.index[key]; ok {
		return false
	}
	if d.index == nil {
		d.index = map[value]int{}
	}
	d.index[key] = len(d.keys)
	d.keys, d.values = append(d.keys, key), append(d.values, v)
	return true
}

// get returns the value of a key, nil if there is none.
func (d *dict) get(key value) value {
	if i, ok := d.index[key]; ok {
		return d.values[i]
	}
	return nil
}

// describe names a value for a message.
func describe(v value) string {
	switch v := v.(type) {
	case none:
		return "None"
	case bool:
		return "a bool"
	case int64:
		return "an integer"
	case float64:
		return "a float"
	case string:
		return "a string"
	case *tuple:
		return fmt.Sprintf("a tuple of %d", len(v.items))
	case *list:
		return fmt.Sprintf("a list of %d", len(v.items))
	case *dict:
		return fmt.Sprintf("a dict of %d", len(v.keys))
	case global:
		return v.String()
	case *storage:
		return "a storage"
	case *tensor:
		return "a tensor"
	case *other:
		return v.what
	}
	return fmt.Sprintf("a %T", v) // pickles make no other values
}

// show is describe, but returns the value itself if it is short.
func show(v value) string {
	switch v := v.(type) {
	case int64:
		return fmt.Sprint(v)
	case string:
		return fmt.Sprintf("%.40q", v)
	}
	return describe(v)
}

// checkNesting refuses values that contain themselves and those that are nested too deep to walk.
func checkNesting(v value) error {
	const open = -1            // being walked
	heights := map[value]int{} // of the containers walked so far
	var walk func(v value, depth int) (int, error)
	walk = func(v value, depth int) (int, error) {
		var parts []value
		switch v := v.(type) {
		case *tuple:
			parts = v.items
		case *list:
			parts = v.items
		case *dict:
			parts = v.values
		default:
			return 0, nil
		}
		if len(parts) == 0 {
			return 1, nil
		}
		h, seen := heights[v]
		switch {
		case seen && h == open:
			return 0, fmt.Errorf("the pickle is a cycle: %s holds itself", describe(v))
		case depth+h > pickleDepth:
			return 0, fmt.Errorf("the pickle nests values more than %d deep", pickleDepth)
		case seen:
			return h, nil
		}
		heights[v] = open
		h = 0
		for _, p := range parts {
			below, err := walk(p, depth+1)
			if err != nil {
				return 0, err
			}
			h = max(h, below)
		}
		heights[v] = h + 1
		return h + 1, nil
	}
	_, err := walk(v, 0)
	return err
}
