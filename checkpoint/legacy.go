package checkpoint

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// legacyVersion is torch.serialization.PROTOCOL_VERSION.
const legacyVersion = 1001

// readLegacy reads the format before PyTorch 1.6, as torch.serialization._legacy_save writes it: five pickles in a
// row (a magic number, a version, facts about the machine, the state dict, the keys of its storages), then for every
// key the number of elements in 8 bytes and the elements.
func readLegacy(b []byte, part string) (*StateDict, error) {
	if len(b) < len(legacyMagic) {
		return nil, fmt.Errorf("it is cut short within its first %d bytes; get it again", len(legacyMagic))
	}
	l := legacy{storages: storages{}, views: storages{}}
	l.m = machine{data: b, pos: len(legacyMagic)}
	version, err := l.m.next()
	if err != nil {
		return nil, fmt.Errorf("its version: %w", err)
	}
	if version != int64(legacyVersion) {
		return nil, fmt.Errorf("its version is %s, the only one in use was %d", show(version), legacyVersion)
	}
	if err := checkSystem(&l.m); err != nil {
		return nil, err
	}
	l.m.persistent = l.storage
	v, err := l.m.next()
	if err != nil {
		return nil, err
	}
	l.m.persistent = nil
	found, wrapper, err := findEntries(v, part)
	if err != nil {
		return nil, err
	}
	if err := l.readStorages(); err != nil {
		return nil, err
	}
	return stateDict(found, wrapper, FormatLegacy)
}

// checkSystem reads the pickle of facts about the machine that the file comes from.
func checkSystem(m *machine) error {
	v, err := m.next()
	if err != nil {
		return fmt.Errorf("its facts about the machine: %w", err)
	}
	d, ok := v.(*dict)
	switch {
	case !ok:
		return fmt.Errorf("its facts about the machine are %s, not a dict", describe(v))
	case d.get("protocol_version") != int64(legacyVersion):
		return fmt.Errorf("its version is %s, this reader takes %d", show(d.get("protocol_version")), legacyVersion)
	case d.get("little_endian") != true:
		return errors.New("its numbers are not little-endian: save it again on an x86-64 or ARM machine")
	}
	return nil
}

// legacy is a legacy file that is being read.
type legacy struct {
	m        machine
	storages storages
	views    storages // parts of storages, which files of 2017 and 2018 may have
	parts    []part
}

// part is a view storage: elements offset to offset+numel of root.
type part struct {
	view, root *storage
	offset     int64
}

// storage resolves a persistent ID: ("storage", class, key, location, elements, view), where view is None
// or (key, offset, elements).
func (l *legacy) storage(id value) (value, error) {
	s, err := storageID(id, 6)
	if err != nil {
		return nil, err
	}
	if s, err = l.storages.add(s); err != nil {
		return nil, err
	}
	view := id.(*tuple).items[5]
	if view == (none{}) {
		return s, nil
	}
	t, ok := view.(*tuple)
	if !ok || len(t.items) != 3 {
		return nil, fmt.Errorf("storage %q has %s for its view", s.key, describe(view))
	}
	key, ok := t.items[0].(string)
	offset, ok2 := t.items[1].(int64)
	numel, ok3 := t.items[2].(int64)
	if !ok || !ok2 || !ok3 {
		return nil, fmt.Errorf("storage %q has a view that PyTorch does not make", s.key)
	}
	return l.view(s, key, offset, numel)
}

// view returns the storage with that key, which is a part of root.
func (l *legacy) view(root *storage, key string, offset, numel int64) (*storage, error) {
	if offset < 0 || numel < 0 || offset > root.numel || numel > root.numel-offset {
		return nil, fmt.Errorf("storage %q is elements %d and %d more of storage %q, which has %d", key, offset, numel, root.key, root.numel)
	}
	v := &storage{key: key, dtype: root.dtype, class: root.class, numel: numel}
	if known := l.views[key]; known != nil {
		return known, known.agrees(v)
	}
	l.views[key] = v
	root.users++
	v.users++ // so that it is never the only user of its bytes
	l.parts = append(l.parts, part{v, root, offset})
	return v, nil
}

// readStorages reads the keys and the data behind the state dict.
func (l *legacy) readStorages() error {
	v, err := l.m.next()
	if err != nil {
		return fmt.Errorf("the list of its storages: %w", err)
	}
	keys, ok := v.(*list)
	if !ok {
		return fmt.Errorf("the list of its storages is %s", describe(v))
	}
	for _, k := range keys.items {
		key, _ := k.(string)
		s := l.storages[key]
		switch {
		case s == nil:
			return fmt.Errorf("the data of storage %s is in the file, but nothing refers to it", show(k))
		case s.data != nil:
			return fmt.Errorf("the data of storage %q is in the file twice", key)
		}
		if l.m.pos, err = s.read(l.m.data, l.m.pos); err != nil {
			return err
		}
	}
	for key, s := range l.storages {
		if s.data == nil {
			return fmt.Errorf("the data of storage %q is missing", key)
		}
	}
	if rest := len(l.m.data) - l.m.pos; rest > 0 {
		return fmt.Errorf("%d bytes follow the data of the last storage", rest)
	}
	for _, p := range l.parts {
		p.resolve()
	}
	return nil
}

// resolve gives a part its bytes.
func (p part) resolve() {
	size := p.view.elementSize()
	from, to := p.offset*size, (p.offset+p.view.numel)*size
	p.view.data = p.root.data[from:to:to]
}

// read reads the number of elements and the elements of s from b at pos, and returns the position after them.
func (s *storage) read(b []byte, pos int) (int, error) {
	if len(b)-pos < 8 {
		return 0, fmt.Errorf("it is cut short before the data of storage %q, at byte %d; get it again", s.key, len(b))
	}
	if n := binary.LittleEndian.Uint64(b[pos:]); n != uint64(s.numel) {
		return 0, fmt.Errorf("storage %q should have %d elements, its data at byte %d has %d", s.key, s.numel, pos, n)
	}
	pos += 8
	want := s.numel * s.elementSize() // numel is at most maxFile: the product fits
	if want > int64(len(b)-pos) {
		return 0, fmt.Errorf("it is cut short: the data of storage %q takes %d bytes from byte %d on, the file has %d bytes in all; get it again",
			s.key, want, pos, len(b))
	}
	end := pos + int(want)
	s.data = b[pos:end:end]
	return end, nil
}
