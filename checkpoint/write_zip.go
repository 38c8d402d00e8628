package checkpoint

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"strings"
)

// pthAlign is the alignment of data in PyTorch's files: it begins at multiples of 64 bytes.
const pthAlign = 64

// zipWriter lays out a zip file of stored members, whose data is all in memory.
type zipWriter struct {
	members []zipMember
	end     uint64 // of the last member
}

type zipMember struct {
	local, central []byte
	data           []byte
}

// add appends a member under PyTorch's prefix, with its data at a multiple of pthAlign.
func (z *zipWriter) add(name string, data []byte) {
	name = "archive/" + name
	// An extra field of PyTorch's own kind, "FB", pads up to the boundary.
	const minExtra = 4
	plain := z.end + lenLocal + uint64(len(name)) + minExtra
	fill := int(-plain & (pthAlign - 1))
	le := binary.LittleEndian
	shared := le.AppendUint32(nil, 0)          // no flags; stored
	shared = le.AppendUint32(shared, 0x21<<16) // 1 January 1980, the format's first day
	shared = le.AppendUint32(shared, crc32.ChecksumIEEE(data))
	shared = le.AppendUint32(shared, uint32(len(data))) // as stored
	shared = le.AppendUint32(shared, uint32(len(data)))
	shared = le.AppendUint16(shared, uint16(len(name)))
	const version = 20 // of the format: 2.0
	local := append(le.AppendUint16([]byte(sigLocal), version), shared...)
	local = le.AppendUint16(local, uint16(minExtra+fill))
	local = append(append(local, name...), "FB"...)
	local = append(le.AppendUint16(local, uint16(fill)), strings.Repeat("Z", fill)...)
	central := le.AppendUint16(le.AppendUint16([]byte(sigCentral), version), version)
	central = append(central, shared...)
	central = append(central, make([]byte, 12)...) // no extra field, comment, disk, attributes
	central = append(le.AppendUint32(central, uint32(z.end)), name...)
	z.members = append(z.members, zipMember{local, central, data})
	z.end += uint64(len(local)) + uint64(len(data))
}

func (z *zipWriter) write(w io.Writer) error {
	var directory []byte
	for _, m := range z.members {
		for _, b := range [][]byte{m.local, m.data} {
			if _, err := w.Write(b); err != nil {
				return err
			}
		}
		directory = append(directory, m.central...)
	}
	le := binary.LittleEndian
	end := le.AppendUint32([]byte(sigEnd), 0) // disks
	end = le.AppendUint16(end, uint16(len(z.members)))
	end = le.AppendUint16(end, uint16(len(z.members)))
	end = le.AppendUint32(end, uint32(len(directory)))
	end = le.AppendUint32(end, uint32(z.end))
	_, err := w.Write(append(append(directory, end...), 0, 0)) // no comment
	return err
}
