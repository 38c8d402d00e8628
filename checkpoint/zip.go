package checkpoint

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// Sizes and signatures of PKWARE's APPNOTE.TXT 6.3, sections 4.3 and 4.5.
const (
	sigLocal      = "PK\x03\x04"
	sigDescriptor = "PK\x07\x08"
	sigCentral    = "PK\x01\x02"
	sigEnd        = "PK\x05\x06"
	sigEnd64      = "PK\x06\x06"
	sigLocator64  = "PK\x06\x07"

	lenLocal, lenCentral, lenEnd, lenEnd64, lenLocator64 = 30, 46, 22, 56, 20

	maxDirectory = 16 << 20 // bytes; names are copied out of it

	none16, none32 = 0xffff, 0xffffffff // "see the zip64 field"
)

// zipEntry is a member of an archive: stored, with a sound name and checksum.
type zipEntry struct {
	name          string
	header        uint64 // offset of its local header
	packed        uint64 // bytes in the file
	disk          uint16 // where it begins
	attributes    uint32 // of DOS in the low byte
	size          uint64
	crc           uint32
	flags, method uint16
	data          []byte
}

// readArchive returns the members of a zip file in their order in the file. It accepts only stored members, and only
// files in which every byte belongs to a member or to the archive's own structures.
func readArchive(b []byte) ([]zipEntry, error) {
	start, end, count, err := findDirectory(b)
	if err != nil {
		return nil, err
	}
	entries, err := readDirectory(b[start:end], count)
	if err != nil {
		return nil, err
	}
	checked := slices.ContainsFunc(entries, func(e zipEntry) bool { return e.crc != 0 }) // torch.save may leave out all checksums
	slices.SortFunc(entries, func(x, y zipEntry) int { return cmp.Compare(x.header, y.header) })
	at := uint64(0) // where the next member begins
	for i := range entries {
		e := &entries[i]
		switch {
		case e.header < at:
			return nil, fmt.Errorf("the zip members %q and %q overlap", entries[i-1].name, e.name)
		case e.header > at:
			return nil, fmt.Errorf("the %d bytes before the zip member %q belong to nothing", e.header-at, e.name)
		}
		if at, err = e.locate(b[:start], checked); err != nil {
			return nil, fmt.Errorf("the zip member %q: %w", e.name, err)
		}
	}
	if at != uint64(start) {
		return nil, fmt.Errorf("the %d bytes before the zip directory belong to nothing", uint64(start)-at)
	}
	return entries, nil
}

// findDirectory returns the position of the central directory in b, and its number of members.
func findDirectory(b []byte) (start, end int, count uint64, err error) {
	last := bytes.LastIndex(b[max(0, len(b)-lenEnd-none16):], []byte(sigEnd))
	switch {
	case last < 0:
		return 0, 0, 0, cutShort(b)
	case len(b) < lenEnd:
		return 0, 0, 0, errors.New("it is a zip file cut short within its last record: get it again")
	}
	last += max(0, len(b)-lenEnd-none16)
	rest := len(b) - last - lenEnd
	if rest < 0 {
		return 0, 0, 0, errors.New("it is a zip file cut short within its last record: get it again")
	}
	r := b[last:]
	le := binary.LittleEndian
	if comment := int(le.Uint16(r[20:])); comment != 0 && comment == rest {
		return 0, 0, 0, fmt.Errorf("its zip directory has a comment of %d bytes, which PyTorch never writes", comment)
	} else if rest != 0 {
		return 0, 0, 0, fmt.Errorf("%d bytes follow the end of the zip file", rest)
	}
	disks, count32 := le.Uint32(r[4:]), le.Uint16(r[10:])
	if disks != 0 || le.Uint16(r[8:]) != count32 {
		return 0, 0, 0, errors.New("it is a part of a zip file in several parts")
	}
	count, size, offset, end64 := uint64(count32), uint64(le.Uint32(r[12:])), uint64(le.Uint32(r[16:])), last
	if at := last - lenLocator64 - lenEnd64; at >= 0 && string(b[at:at+4]) == sigEnd64 &&
		string(b[at+lenEnd64:at+lenEnd64+4]) == sigLocator64 {
		if le.Uint64(b[at+lenEnd64+8:]) != uint64(at) || le.Uint64(b[at+4:]) != lenEnd64-12 {
			return 0, 0, 0, errors.New("its zip64 records disagree about where they are")
		}
		if le.Uint32(b[at+16:]) != 0 || le.Uint32(b[at+20:]) != 0 || le.Uint64(b[at+24:]) != le.Uint64(b[at+32:]) ||
			le.Uint32(b[at+lenEnd64+4:]) != 0 || le.Uint32(b[at+lenEnd64+16:]) != 1 {
			return 0, 0, 0, errors.New("its zip64 records say that it is a part of a zip file in several parts")
		}
		count64, size64, offset64 := le.Uint64(b[at+32:]), le.Uint64(b[at+40:]), le.Uint64(b[at+48:])
		if count != count64 && count != none16 || size != size64 && size != none32 || offset != offset64 && offset != none32 {
			return 0, 0, 0, errors.New("its zip directory and its zip64 directory disagree")
		}
		count, size, offset, end64 = count64, size64, offset64, at
	}
	// Compared without additions, which could overflow.
	if offset > uint64(end64) || size != uint64(end64)-offset {
		return 0, 0, 0, fmt.Errorf("its zip directory should lie at byte %d and have %d bytes, but what ends it begins at byte %d: "+
			"bytes are missing or too many; get it again", offset, size, end64)
	}
	if size > maxDirectory {
		return 0, 0, 0, fmt.Errorf("its zip directory has %d bytes, this reader takes %d MiB", size, maxDirectory>>20)
	}
	if count > size/lenCentral {
		return 0, 0, 0, fmt.Errorf("its zip directory has %d bytes, too few for %d members", size, count)
	}
	return int(offset), end64, count, nil
}

// readDirectory reads the central directory.
func readDirectory(dir []byte, count uint64) ([]zipEntry, error) {
	const most = 1 << 16 // a state dict of 10,000 tensors has as many members
	if count > most {
		return nil, fmt.Errorf("its zip directory has %d members, this reader takes %d", count, most)
	}
	le := binary.LittleEndian
	entries := make([]zipEntry, 0, count)
	seen := make(map[string]struct{}, count)
	for range count {
		if len(dir) < lenCentral || string(dir[:4]) != sigCentral {
			return nil, fmt.Errorf("member %d of its zip directory is no directory entry", len(entries))
		}
		nameLen, extraLen, commentLen := int(le.Uint16(dir[28:])), int(le.Uint16(dir[30:])), int(le.Uint16(dir[32:]))
		whole := lenCentral + nameLen + extraLen + commentLen
		if whole > len(dir) {
			return nil, fmt.Errorf("member %d of its zip directory reaches past the directory's end", len(entries))
		}
		e := zipEntry{
			name:  string(dir[lenCentral : lenCentral+nameLen]),
			flags: le.Uint16(dir[8:]), method: le.Uint16(dir[10:]), crc: le.Uint32(dir[16:]), disk: le.Uint16(dir[34:]), attributes: le.Uint32(dir[38:]),
			packed: uint64(le.Uint32(dir[20:])), size: uint64(le.Uint32(dir[24:])), header: uint64(le.Uint32(dir[42:])),
		}
		if err := zip64Extra(dir[lenCentral+nameLen:][:extraLen], &e.size, &e.packed, &e.header); err != nil {
			return nil, fmt.Errorf("the zip member %q: %w", e.name, err)
		}
		if _, ok := seen[e.name]; ok {
			return nil, fmt.Errorf("two zip members have the name %q", e.name)
		}
		seen[e.name] = struct{}{}
		entries = append(entries, e)
		dir = dir[whole:]
	}
	if len(dir) > 0 {
		return nil, fmt.Errorf("%d bytes follow the last member of its zip directory", len(dir))
	}
	if inner := packedWeights(entries); inner != "" {
		return nil, fmt.Errorf("it is a zip file with %.60q in it: unpack it, and name that file", inner)
	}
	for i := range entries {
		if err := entries[i].check(); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

// packedWeights returns the name of a file of weights that was packed into an archive which is not PyTorch's own.
func packedWeights(entries []zipEntry) string {
	inner := ""
	for _, e := range entries {
		if e.name == "data.pkl" || strings.HasSuffix(e.name, "/data.pkl") {
			return ""
		}
		if inner == "" && isWeightsName(e.name) {
			inner = e.name
		}
	}
	return inner
}

// isWeightsName reports whether name is one of a file of weights, and not of one that macOS adds, which begins with "._".
func isWeightsName(name string) bool {
	if strings.HasPrefix(path.Base(name), "._") {
		return false
	}
	return slices.Contains([]string{".pth", ".pt", ".ckpt", ".bin", ".safetensors", ".tar"}, strings.ToLower(path.Ext(name)))
}

// zip64Extra replaces the values that are none32 with those in the zip64 field.
func zip64Extra(extra []byte, values ...*uint64) error {
	le := binary.LittleEndian
	for len(extra) >= 4 {
		id, n := le.Uint16(extra), int(le.Uint16(extra[2:]))
		if n > len(extra)-4 {
			break
		}
		field := extra[4 : 4+n]
		extra = extra[4+n:]
		if id != 1 {
			continue
		}
		for _, v := range values {
			if *v == none32 {
				if len(field) < 8 {
					return errors.New("its zip64 field is too short")
				}
				*v, field = le.Uint64(field), field[8:]
			}
		}
		return nil
	}
	return nil
}

// check refuses members that PyTorch never writes.
func (e *zipEntry) check() error {
	switch {
	case !utf8.ValidString(e.name) || e.name == "" || strings.ContainsAny(e.name, "\x00\\"):
		return fmt.Errorf("the zip member name %q is none", e.name)
	case strings.HasPrefix(e.name, "/") || len(e.name) > 1 && e.name[1] == ':':
		return fmt.Errorf("the zip member %q has an absolute name", e.name)
	case slices.Contains(strings.Split(e.name, "/"), ".."):
		return fmt.Errorf("the zip member %q has a name with .. in it", e.name)
	case strings.HasSuffix(e.name, "/"), e.attributes&0x10 != 0:
		return fmt.Errorf("the zip member %q is a folder", e.name)
	case e.flags&0x2061 != 0: // in one of the ways of APPNOTE.TXT 4.4.4, or a patch
		return fmt.Errorf("the zip member %q is encrypted", e.name)
	case e.method != 0 && strings.Contains(e.name, "/code/"):
		return errTorchScript
	case e.method != 0:
		return fmt.Errorf("the zip member %q is compressed (method %d): PyTorch stores its members as they are, "+
			"and torch.save(torch.load(FILE), NEW) does so again", e.name, e.method)
	case e.packed != e.size:
		return fmt.Errorf("the zip member %q is stored, but its %d bytes stand for %d", e.name, e.packed, e.size)
	case e.disk != 0:
		return fmt.Errorf("the zip member %q begins in another part of a zip file in several parts", e.name)
	}
	return nil
}

// locate finds the member's data in b by its local header, checks it, with the checksum only if checked is set, and
// returns where the member ends.
func (e *zipEntry) locate(b []byte, checked bool) (end uint64, err error) {
	if e.header > uint64(len(b)) || uint64(len(b))-e.header < lenLocal {
		return 0, fmt.Errorf("its header at byte %d lies outside the members", e.header)
	}
	h := b[e.header:]
	le := binary.LittleEndian
	if string(h[:4]) != sigLocal {
		return 0, fmt.Errorf("there is no header at byte %d", e.header)
	}
	nameLen, extraLen := int(le.Uint16(h[26:])), int(le.Uint16(h[28:]))
	from := lenLocal + nameLen + extraLen
	if from > len(h) || e.size > uint64(len(h)-from) {
		return 0, fmt.Errorf("its %d bytes reach past the members' end", e.size)
	}
	extra := h[lenLocal+nameLen : from]
	if name := string(h[lenLocal : lenLocal+nameLen]); name != e.name {
		return 0, fmt.Errorf("its own header calls it %q", name)
	}
	crc, packed, size := le.Uint32(h[14:]), uint64(le.Uint32(h[18:])), uint64(le.Uint32(h[22:]))
	if err := zip64Extra(extra, &size, &packed); err != nil {
		return 0, err
	}
	later := e.flags&8 != 0 && crc == 0 && size == 0 && packed == 0 // the values are in a descriptor after the data
	if le.Uint16(h[6:]) != e.flags || le.Uint16(h[8:]) != e.method ||
		!later && (crc != e.crc || size != e.size || packed != e.size) {
		return 0, errors.New("its own header and the zip directory disagree about it")
	}
	stop := from + int(e.size)
	e.data = h[from:stop:stop]
	if got := crc32.ChecksumIEEE(e.data); checked && got != e.crc {
		return 0, fmt.Errorf("its checksum is %08x, it should be %08x: the file is damaged; get it again", got, e.crc)
	}
	end = e.header + uint64(stop)
	if e.flags&8 != 0 {
		end += uint64(e.descriptor(h[stop:]))
	}
	return end, nil
}

// descriptor returns the length of the data descriptor that b begins with: a signature, the checksum and two sizes of
// 4 or 8 bytes. It returns 0 if there is none, as after members of 0 bytes.
func (e *zipEntry) descriptor(b []byte) int {
	le := binary.LittleEndian
	if len(b) < 16 || string(b[:4]) != sigDescriptor || le.Uint32(b[4:]) != e.crc {
		return 0
	}
	if len(b) >= 24 && le.Uint64(b[8:]) == e.size && le.Uint64(b[16:]) == e.size {
		return 24
	}
	if uint64(le.Uint32(b[8:])) == e.size && uint64(le.Uint32(b[12:])) == e.size {
		return 16
	}
	return 0
}
