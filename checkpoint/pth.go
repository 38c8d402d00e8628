package checkpoint

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// readZip reads the format of PyTorch 1.6 and later: a zip file with NAME/data.pkl, NAME/data/KEY for every
// storage, and a few records beside them, as torch.serialization._save writes it.
func readZip(b []byte, part string) (*StateDict, error) {
	entries, err := readArchive(b)
	if err != nil {
		return nil, err
	}
	return readRecords(entries, part)
}

// readRecords reads the state dict in the members of such a zip file.
func readRecords(entries []zipEntry, part string) (*StateDict, error) {
	a, err := newArchive(entries)
	if err != nil {
		return nil, err
	}
	m := machine{data: a.pickle, persistent: a.storage}
	v, err := m.next()
	if err != nil {
		return nil, fmt.Errorf("data.pkl: %w", err)
	}
	if m.pos != len(m.data) {
		return nil, fmt.Errorf("data.pkl: %d bytes follow the end of the pickle", len(m.data)-m.pos)
	}
	found, wrapper, err := findEntries(v, part)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if key, ok := strings.CutPrefix(e.name, a.prefix+"data/"); ok && a.used[key] == nil {
			return nil, fmt.Errorf("the data of storage %q is in the file, but nothing refers to it", key)
		}
	}
	return stateDict(found, wrapper, FormatPTH)
}

var errTorchScript = errors.New("it is a TorchScript program, not a state dict: " +
	"in Python, torch.save(torch.jit.load(FILE).state_dict(), NEW) saves its weights")

// archive is a zip file seen as PyTorch's: records under a prefix.
type archive struct {
	prefix  string // "archive/", or the name of the file when it was saved
	pickle  []byte
	records map[string][]byte // by name without the prefix
	used    storages
}

func newArchive(entries []zipEntry) (*archive, error) {
	a := &archive{records: make(map[string][]byte, len(entries)), used: storages{}}
	for _, e := range entries {
		name := e.name
		if prefix, ok := strings.CutSuffix(name, "data.pkl"); ok && strings.Count(prefix, "/") == 1 && strings.HasSuffix(prefix, "/") {
			if a.pickle != nil {
				return nil, fmt.Errorf("it has two pickles, %sdata.pkl and %s", a.prefix, name)
			}
			a.prefix, a.pickle = prefix, e.data
		}
	}
	if a.pickle == nil {
		return nil, fmt.Errorf("it is a zip file without a data.pkl, not one of PyTorch's; it has %s", members(entries))
	}
	for _, e := range entries {
		name, ok := strings.CutPrefix(e.name, a.prefix)
		if !ok {
			return nil, fmt.Errorf("its zip member %q lies outside %q, where data.pkl is", e.name, a.prefix)
		}
		if name == "constants.pkl" || strings.HasPrefix(name, "code/") {
			return nil, errTorchScript
		}
		a.records[name] = e.data
	}
	if order, ok := a.records["byteorder"]; ok && string(order) != "little" {
		return nil, fmt.Errorf("its numbers are %.10q-endian: save it again on an x86-64 or ARM machine", order)
	}
	if version, ok := a.records["version"]; ok && len(bytes.TrimSpace(version)) == 0 {
		return nil, errors.New("its record version is empty")
	}
	return a, nil
}

func members(entries []zipEntry) string {
	switch len(entries) {
	case 0:
		return "no members"
	case 1:
		return fmt.Sprintf("one member, %q", entries[0].name)
	}
	return fmt.Sprintf("%d members, %q to %q", len(entries), entries[0].name, entries[len(entries)-1].name)
}

// storage resolves a persistent ID of data.pkl: ("storage", class, key, location, elements).
func (a *archive) storage(id value) (value, error) {
	s, err := storageID(id, 5)
	if err != nil {
		return nil, err
	}
	if known := a.used[s.key]; known != nil {
		return known, known.agrees(s)
	}
	data, ok := a.records["data/"+s.key]
	if !ok {
		return nil, fmt.Errorf("the data of storage %q is missing", s.key)
	}
	// The division keeps the product from overflowing.
	if size := s.elementSize(); int64(len(data))%size != 0 || int64(len(data))/size != s.numel {
		return nil, fmt.Errorf("storage %q should have %d elements of %s, its data has %d bytes", s.key, s.numel, s.kind(), len(data))
	}
	s.data = data
	a.used[s.key] = s
	return s, nil
}

// storages are those that a pickle refers to, by their keys.
type storages map[string]*storage

// add returns the storage with s's key: s itself or, if the pickle refers to it again, the first one, which must agree.
func (all storages) add(s *storage) (*storage, error) {
	if known := all[s.key]; known != nil {
		return known, known.agrees(s)
	}
	all[s.key] = s
	return s, nil
}

// agrees returns an error if a second reference to a storage describes it differently.
func (s *storage) agrees(other *storage) error {
	if s.kind() != other.kind() || s.numel != other.numel {
		return fmt.Errorf("storage %q is %d elements of %s in one place and %d of %s in another",
			s.key, s.numel, s.kind(), other.numel, other.kind())
	}
	return nil
}

// storageID reads ("storage", class, key, location, elements, …), a tuple of n.
func storageID(id value, n int) (*storage, error) {
	t, ok := id.(*tuple)
	if !ok || len(t.items) != n || t.items[0] != "storage" {
		return nil, fmt.Errorf("it refers to %s outside the pickle, not to a storage", describe(id))
	}
	class, ok := t.items[1].(global)
	key, ok2 := t.items[2].(string)
	_, ok3 := t.items[3].(string)
	numel, ok4 := t.items[4].(int64)
	if !ok || !ok2 || !ok3 || !ok4 || storageDType(class) == 0 && otherStorage(class) == 0 {
		return nil, errors.New("it refers to a storage in a way that PyTorch does not")
	}
	if numel < 0 || numel > maxFile {
		return nil, fmt.Errorf("storage %q cannot have %d elements", key, numel)
	}
	return &storage{key: key, dtype: storageDType(class), class: class.name, numel: numel}, nil
}
