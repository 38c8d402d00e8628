package checkpoint

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// tarVersion is the protocol_version of the tar format.
const tarVersion = 1000

// readTar reads the format that PyTorch 0.1 wrote in 2017 (legacy_load in torch/serialization.py reads
// it): a tar archive of four files. "storages" has the data, "tensors" says which storage, sizes and
// strides a tensor has, "pickle" is the state dict, in which tensors are numbers, and "sys_info" has facts
// about the machine.
func readTar(b []byte, part string) (*StateDict, error) {
	files, err := readTarFile(b)
	if inner := tarredWeights(b); inner != "" {
		return nil, fmt.Errorf("it is a tar archive with %.60q in it: unpack it with tar -xf, and name that file", inner)
	}
	if err != nil {
		return nil, err
	}
	return readTarMembers(files, part)
}

// readTarMembers reads the state dict in the files of such an archive.
func readTarMembers(files map[string][]byte, part string) (*StateDict, error) {
	for _, name := range []string{"sys_info", "storages", "tensors", "pickle"} {
		if _, ok := files[name]; !ok {
			return nil, fmt.Errorf("it is a tar archive without the member %q, not one of PyTorch's", name)
		}
	}
	t := tarReader{part: part, storages: map[string]*storage{}, tensors: map[string]*tensor{}}
	for _, step := range []struct {
		name string
		read func(m *machine) error
	}{
		{"sys_info", func(m *machine) error { return checkSystem(m, tarVersion) }},
		{"storages", t.readStorages}, {"tensors", t.readTensors}, {"pickle", t.readPickle},
	} {
		m := &machine{data: files[step.name], spent: t.spent}
		if err := step.read(m); err != nil {
			return nil, fmt.Errorf("%s: %w", step.name, err)
		}
		if rest := len(m.data) - m.pos; rest > 0 {
			return nil, fmt.Errorf("%s: %d bytes follow its end", step.name, rest)
		}
		t.spent = m.spent
	}
	sd, err := stateDict(t.entries, FormatTar)
	if err != nil {
		return nil, err
	}
	sd.Wrapper = t.wrapper
	return sd, nil
}

// tarReader is a file of the tar format on its way into memory. Its keys are Python's addresses.
type tarReader struct {
	storages map[string]*storage
	tensors  map[string]*tensor
	spent    int    // of the pickle machine's budget
	part     string // of the file to take, if any
	entries  []entry
	wrapper  string
}

// readStorages reads a count, then for every storage (key, location, class), the number of its elements
// and the elements; then a list of (key, root's key, offset, elements) of storages that are parts of others.
func (t *tarReader) readStorages(m *machine) error {
	n, err := count(m)
	if err != nil {
		return err
	}
	for range n {
		items, err := nextTuple(m, 3)
		if err != nil {
			return err
		}
		key, ok := address(items[0])
		class, ok2 := items[2].(global)
		if !ok || !ok2 || storageDType(class) == 0 {
			return fmt.Errorf("the storage before byte %d is described in a way that PyTorch does not", m.pos)
		}
		if t.storages[key] != nil {
			return fmt.Errorf("two storages have the key %s", key)
		}
		if len(m.data)-m.pos < 8 {
			return fmt.Errorf("the data of storage %s is missing", key)
		}
		// The count stands with the data alone, so read's check against numel is about this line.
		numel := binary.LittleEndian.Uint64(m.data[m.pos:])
		if numel > maxFile {
			return fmt.Errorf("storage %s cannot have %d elements", key, numel)
		}
		s := &storage{key: key, dtype: storageDType(class), numel: int64(numel)}
		if m.pos, err = s.read(m.data, m.pos); err != nil {
			return err
		}
		t.storages[key] = s
	}
	return t.readParts(m)
}

func (t *tarReader) readParts(m *machine) error {
	v, err := m.next()
	if err != nil {
		return err
	}
	parts, ok := v.(*list)
	if !ok {
		return fmt.Errorf("the list of its parts is %s", describe(v))
	}
	for _, p := range parts.items {
		items, ok := p.(*tuple)
		if !ok || len(items.items) != 4 {
			return fmt.Errorf("a part of a storage is %s, not a tuple of 4", describe(p))
		}
		key, ok := address(items.items[0])
		rootKey, ok2 := address(items.items[1])
		offset, ok3 := items.items[2].(int64)
		numel, ok4 := items.items[3].(int64)
		root := t.storages[rootKey]
		if !ok || !ok2 || !ok3 || !ok4 || root == nil {
			return errors.New("a part of a storage is described in a way that PyTorch does not")
		}
		if t.storages[key] != nil {
			return fmt.Errorf("two storages have the key %s", key)
		}
		l := legacy{views: map[string]*storage{}}
		if t.storages[key], err = l.view(root, key, offset, numel); err != nil {
			return err
		}
		l.parts[0].resolve()
	}
	return nil
}

// readTensors reads a count, then for every tensor (key, storage's key, class), the number of dimensions
// in 4 bytes, 4 bytes that mean nothing, the sizes, the strides and the offset in 8 bytes each.
func (t *tarReader) readTensors(m *machine) error {
	n, err := count(m)
	if err != nil {
		return err
	}
	for range n {
		items, err := nextTuple(m, 3)
		if err != nil {
			return err
		}
		key, ok := address(items[0])
		storageKey, ok2 := address(items[1])
		class, ok3 := items[2].(global)
		s := t.storages[storageKey]
		switch {
		case !ok || !ok2 || !ok3 || !tensorClass(class.name):
			return fmt.Errorf("the tensor before byte %d is described in a way that PyTorch does not", m.pos)
		case s == nil:
			return fmt.Errorf("tensor %s has its data in storage %s, which is missing", key, storageKey)
		case t.tensors[key] != nil || t.storages[key] != nil:
			return fmt.Errorf("two values have the key %s", key)
		}
		if t.tensors[key], err = layout(m, s); err != nil {
			return fmt.Errorf("tensor %s: %w", key, err)
		}
	}
	return nil
}

// layout reads the numbers behind a tensor's description.
func layout(m *machine, s *storage) (*tensor, error) {
	le := binary.LittleEndian
	short := errors.New("its sizes and strides are cut short")
	if len(m.data)-m.pos < 8 {
		return nil, short
	}
	dims := int(le.Uint32(m.data[m.pos:]))
	m.pos += 8
	if dims > maxDims {
		return nil, fmt.Errorf("it has %d dimensions, PyTorch's most is %d", dims, maxDims)
	}
	if len(m.data)-m.pos < 16*dims+8 {
		return nil, short
	}
	numbers := make([]int64, 2*dims+1)
	for i := range numbers {
		numbers[i] = int64(le.Uint64(m.data[m.pos:]))
		m.pos += 8
	}
	v, err := newView(s, numbers[2*dims], numbers[:dims:dims], numbers[dims:2*dims:2*dims])
	return &tensor{view: v}, err
}

// readPickle reads the state dict; the tensors' keys in it are strings of digits.
func (t *tarReader) readPickle(m *machine) error {
	m.persistent = func(id value) (value, error) {
		if module, ok := id.(*tuple); ok {
			return nil, fmt.Errorf("it refers to %s outside the pickle, not to a tensor", describe(module))
		}
		key, ok := address(id)
		if !ok || t.tensors[key] == nil {
			return nil, fmt.Errorf("it refers to the tensor %s, which is missing", strings.Trim(show(id), `"`))
		}
		return t.tensors[key], nil
	}
	v, err := m.next()
	if err != nil {
		return err
	}
	t.entries, t.wrapper, err = findEntries(v, t.part)
	return err
}

// count reads a pickled number of things, each of which takes more than a byte.
func count(m *machine) (int64, error) {
	v, err := m.next()
	if err != nil {
		return 0, err
	}
	n, ok := v.(int64)
	if !ok || n < 0 || n > int64(len(m.data)) {
		return 0, fmt.Errorf("it claims %s things in %d bytes", show(v), len(m.data))
	}
	return n, nil
}

func nextTuple(m *machine, n int) ([]value, error) {
	v, err := m.next()
	if err != nil {
		return nil, err
	}
	t, ok := v.(*tuple)
	if !ok || len(t.items) != n {
		return nil, fmt.Errorf("before byte %d is %s, not a tuple of %d", m.pos, describe(v), n)
	}
	return t.items, nil
}

// address returns a key, which is a number in some places and its digits in others.
func address(v value) (string, bool) {
	switch v := v.(type) {
	case int64:
		return strconv.FormatInt(v, 10), true
	case string:
		n, err := strconv.ParseInt(v, 10, 64)
		return strconv.FormatInt(n, 10), err == nil
	}
	return "", false
}
