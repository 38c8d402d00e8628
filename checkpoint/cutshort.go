package checkpoint

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// cutShort says what is missing from a zip file that does not end as one.
func cutShort(b []byte) error {
	entries, err := headIndex(b)
	if err != nil {
		return errors.New("it is a zip file cut short: the directory at its end is missing; get it again")
	}
	seen := map[*storage]bool{}
	total := int64(0)
	for _, e := range entries {
		if s := e.tensor.view.storage; !seen[s] {
			seen[s] = true
			total += s.numel * s.elementSize()
		}
	}
	return fmt.Errorf("it is cut short: its pickle lists %d tensors of %d bytes, the file has %d bytes in all "+
		"and the zip directory at its end is missing; get it again", len(entries), total, len(b))
}

// headIndex reads the list of tensors from the pickle at the beginning of a zip file, where PyTorch puts
// it, without their data and without the directory at the end.
func headIndex(b []byte) ([]entry, error) {
	if len(b) < lenLocal || string(b[:4]) != sigLocal {
		return nil, errors.New("there is no header at byte 0")
	}
	from := lenLocal + int(binary.LittleEndian.Uint16(b[26:])) + int(binary.LittleEndian.Uint16(b[28:]))
	if from > len(b) {
		return nil, errors.New("the first member's header is cut short")
	}
	used := storages{}
	m := machine{data: b[from:], persistent: func(id value) (value, error) {
		s, err := storageID(id, 5)
		if err != nil {
			return nil, err
		}
		return used.add(s)
	}}
	v, err := m.next()
	if err != nil {
		return nil, err
	}
	entries, _, err := findEntries(v, "")
	return entries, err
}
