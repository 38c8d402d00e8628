package dataset

import (
	"bytes"
	"encoding/binary"
	"time"
)

// Tags of EXIF data.
const (
	exifFolder   = 0x8769 // offset of the directory with the camera's data
	exifOriginal = 0x9003 // DateTimeOriginal
)

// Taken returns when a camera took the picture of a JPEG, PNG or WebP file, by its EXIF data, as if the camera's clock showed
// UTC. It returns false if the file does not say.
func Taken(data []byte) (time.Time, bool) {
	exif, _ := metadata(data)
	for bytes.HasPrefix(exif, exifHead) {
		exif = exif[len(exifHead):]
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch {
	case bytes.HasPrefix(exif, []byte("MM\x00*")):
		order = binary.BigEndian
	case !bytes.HasPrefix(exif, []byte("II*\x00")):
		return time.Time{}, false
	}
	if len(exif) < 8 {
		return time.Time{}, false
	}
	folder := exifEntry(exif, order, order.Uint32(exif[4:]), exifFolder)
	if folder == nil {
		return time.Time{}, false
	}
	entry := exifEntry(exif, order, order.Uint32(folder[8:]), exifOriginal)
	const layout = "2006:01:02 15:04:05"
	if entry == nil || order.Uint32(entry[4:]) < uint32(len(layout)) {
		return time.Time{}, false
	}
	at := uint64(order.Uint32(entry[8:]))
	if at+uint64(len(layout)) > uint64(len(exif)) {
		return time.Time{}, false
	}
	t, err := time.Parse(layout, string(exif[at:at+uint64(len(layout))]))
	return t, err == nil
}

// exifEntry returns the twelve bytes of a tag's entry in the directory at an offset, or nil.
func exifEntry(exif []byte, order binary.ByteOrder, offset uint32, tag uint16) []byte {
	at := uint64(offset)
	if at+2 > uint64(len(exif)) {
		return nil
	}
	entries := exif[at+2:]
	for range order.Uint16(exif[at:]) {
		if len(entries) < 12 {
			return nil
		}
		if order.Uint16(entries) == tag {
			return entries[:12]
		}
		entries = entries[12:]
	}
	return nil
}
