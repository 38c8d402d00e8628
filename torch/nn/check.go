package nn

import (
	"fmt"
	"reflect"
	"unsafe"

	"hymenoptera/torch"
)

// A HiddenError says that a module holds a tensor or a module that neither Tensors nor Children names.
type HiddenError struct {
	Type  string // "*main.Net"
	Field string // "blocks[1].scale"
}

func (e *HiddenError) Error() string {
	return fmt.Sprintf("nn: %s is in neither Tensors() nor Children() of %s, so it would be neither trained nor saved: name it there, or tag the field `nn:\"-\"`",
		e.Field, e.Type)
}

// Check looks for tensors and modules in the fields of m and of every module in it, in slices, maps and structs, and
// behind pointers to structs of the module's own package. A tensor or module that neither Tensors nor Children names
// would be neither trained nor saved, so it is a [*HiddenError]. Check ignores fields tagged `nn:"-"`, for constants.
func Check(m Module) error {
	known := names{}
	walk("", m, func(_ string, m Module) {
		known.add(reflect.ValueOf(m))
		if o, ok := m.(Owner); ok {
			for _, e := range o.Tensors() {
				known.add(reflect.ValueOf(e.Tensor))
			}
		}
	})
	var err error
	walk("", m, func(_ string, m Module) {
		v := reflect.ValueOf(m)
		if v.Kind() == reflect.Pointer {
			v = v.Elem()
		}
		if field := known.hidden(v, "", v.Type().PkgPath()); field != "" && err == nil {
			err = &HiddenError{reflect.TypeOf(m).String(), field}
		}
	})
	return err
}

// names is the set of tensors and modules that a network names, by type and address.
type names map[name]bool

type name struct {
	t reflect.Type
	p unsafe.Pointer
}

func (n names) add(v reflect.Value) {
	if v.Kind() == reflect.Pointer {
		n[name{v.Type(), v.UnsafePointer()}] = true
	}
}

var (
	tensorType = reflect.TypeFor[*torch.Tensor]()
	moduleType = reflect.TypeFor[Module]()
)

// hidden returns the path of the first tensor or module in v that has no name, or "" if there is none. pkg is the package of
// the module.
func (n names) hidden(v reflect.Value, path, pkg string) string {
	switch v.Kind() {
	case reflect.Pointer:
		switch t := v.Type(); {
		case v.IsNil() || n[name{t, v.UnsafePointer()}]:
		case t == tensorType || t.Implements(moduleType):
			return path
		case t.Elem().Kind() == reflect.Struct && t.Elem().PkgPath() == pkg:
			n.add(v) // to visit it once
			return n.hidden(v.Elem(), path, pkg)
		}
	case reflect.Interface:
		return n.hidden(v.Elem(), path, pkg)
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if f.Tag.Get("nn") == "-" {
				continue
			}
			part := v.Field(i)
			if f.Anonymous && part.Kind() == reflect.Pointer { // its methods may be the module's
				part = part.Elem()
			}
			if found := n.hidden(part, join(path, f.Name), pkg); found != "" {
				return found
			}
		}
	case reflect.Slice, reflect.Array:
		if !holds(v.Type().Elem().Kind()) {
			return ""
		}
		for i := range v.Len() {
			if found := n.hidden(v.Index(i), fmt.Sprintf("%s[%d]", path, i), pkg); found != "" {
				return found
			}
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			if found := n.hidden(v.MapIndex(key), fmt.Sprintf("%s[%v]", path, key), pkg); found != "" {
				return found
			}
		}
	}
	return ""
}

// holds reports whether values of a kind can hold tensors.
func holds(k reflect.Kind) bool {
	switch k {
	case reflect.Pointer, reflect.Interface, reflect.Struct, reflect.Slice, reflect.Array, reflect.Map:
		return true
	}
	return false
}

func join(path, field string) string {
	if path == "" {
		return field
	}
	return path + "." + field
}
