package finetune

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// A DifferentError says that options of a resumed training are not those that the run began with.
type DifferentError struct {
	Options []string // their JSON names
	Began   Options
}

func (e *DifferentError) Error() string {
	return e.Text(func(option string) string { return option })
}

// Text returns the error with the names of options as name writes them.
func (e *DifferentError) Text(name func(option string) string) string {
	var all []string
	for _, option := range e.Options {
		all = append(all, e.began(option, name(option)))
	}
	return "the run began with " + strings.Join(all, ", ")
}

// began returns an option of the run as the command line takes it.
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

// free are the options that a resumed training may change: the images and the list of those to leave out may have been moved,
// and other devices and threads give other last bits. So are those that are not stored.
var free = []string{"", "-", "epochs", "data", "exclude", "device", "threads"}

// differences returns an error if o differs from the options that the run began with in one that must not change.
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
