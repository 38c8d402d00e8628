package dataset

import (
	"encoding/binary"
	"testing"
	"time"
)

// Taken finds the time where the EXIF standard puts it: in the directory that tag 0x8769 points to.
func TestTaken(t *testing.T) {
	file := func(order binary.AppendByteOrder, mark, taken string) []byte {
		exif := append([]byte("Exif\x00\x00"), mark...)
		exif = order.AppendUint32(exif, 8)
		exif = order.AppendUint16(exif, 1)
		exif = order.AppendUint32(order.AppendUint32(order.AppendUint16(order.AppendUint16(exif, 0x8769), 4), 1), 26)
		exif = order.AppendUint32(exif, 0)
		exif = order.AppendUint16(exif, 1)
		exif = order.AppendUint32(order.AppendUint32(order.AppendUint16(order.AppendUint16(exif, 0x9003), 2), uint32(len(taken))), 44)
		exif = append(order.AppendUint32(exif, 0), taken...)
		out := binary.BigEndian.AppendUint16([]byte("\xff\xd8\xff\xe1"), uint16(len(exif)+2))
		return append(out, exif...)
	}
	const day = "2024:02:29 23:59:58\x00"
	for name, c := range map[string]struct {
		data []byte
		ok   bool
	}{
		"little-endian": {file(binary.LittleEndian, "II*\x00", day), true},
		"big-endian":    {file(binary.BigEndian, "MM\x00*", day), true},
		"unknown time":  {file(binary.LittleEndian, "II*\x00", "    :  :     :  :  \x00"), false},
		"short":         {file(binary.LittleEndian, "II*\x00", "2024\x00"), false},
		"cut off":       {file(binary.LittleEndian, "II*\x00", day)[:50], false},
		"no EXIF":       {[]byte("\xff\xd8\xff\xd9"), false},
		"no picture":    {[]byte("text"), false},
	} {
		got, ok := Taken(c.data)
		if ok != c.ok || ok && !got.Equal(time.Date(2024, 2, 29, 23, 59, 58, 0, time.UTC)) {
			t.Errorf("%s: got %v, %v", name, got, ok)
		}
	}
}
