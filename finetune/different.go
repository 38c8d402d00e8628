package finetune

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// A DifferentError says that options of a resumed training differ from those that the run began with.
type DifferentError struct {
	Options []string // their JSON names
	Began   Options
}

func (e *DifferentError) Error() string {
	return e.Text(func(option string) string { return option })
}

// Text returns the text of the error; name returns the name of an option.
func (e *DifferentError) Text(name func(option string) string) string {
	var all []string
	for _, option := range e.Options {
		all = append(all, e.began(option, name(option)))
	}
	return "the run began with " + strings.Join(all, ", ")
}

// began returns an option that the run began with, as the command line takes it.
func (e *DifferentError) began(option, name string) string {
	value := reflect.ValueOf(e.Began.value(option))
	switch {
	case option == "epochs":
		return fmt.Sprintf("%s %v (which may only grow)", name, value)
	case value.Kind() != reflect.Slice:
		return fmt.Sprintf("%s %v", name, value)
	case value.Len() == 0:
		return "no " + name
	}
	items := make([]string, value.Len())
	for i := range items {
		items[i] = fmt.Sprint(value.Index(i))
	}
	return name + " " + strings.Join(items, ",")
}

// value returns an option by its JSON name.
func (o Options) value(option string) any {
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Options]()) {
		if jsonName(f) == option {
			return reflect.ValueOf(o).FieldByIndex(f.Index).Interface()
		}
	}
	return nil
}

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

// free has the options that a resumed training may change: the images and the list of those to leave out may have been
// moved, and other devices and threads only change the last bits. Options that are not stored may change too.
var free = []string{"", "-", "epochs", "data", "exclude", "device", "threads"}

// differences returns an error if an option of o that must not change differs from the one that the run began with.
func (c *Checkpoint) differences(o Options) error {
	e := &DifferentError{Began: c.Options}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Options]()) {
		if name := jsonName(f); !slices.Contains(free, name) && !reflect.DeepEqual(o.value(name), c.Options.value(name)) {
			e.Options = append(e.Options, name)
		}
	}
	if o.Epochs < c.Options.Epochs {
		e.Options = append(e.Options, "epochs")
	}
	if e.Options != nil {
		return e
	}
	return nil
}
