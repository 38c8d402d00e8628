package dataset

import (
	"bytes"
	"encoding/binary"
	"regexp"

	"hymenoptera/transforms"
)

// TurnUpright turns a picture as PIL.ImageOps.exif_transpose does, and reports whether it was not upright. data is its file.
// TIFF files are upright already.
func TurnUpright(m *transforms.Image, data []byte) bool {
	o := exifOrientation(data)
	orient(m, o)
	return o > 1 && o <= 8
}

// exifOrientation returns the orientation, 1 to 8, of the picture in a JPEG, PNG or WebP file; other numbers mean
// upright. As in Pillow it comes from EXIF data or, if these have none, from XMP; damaged data are ignored.
func exifOrientation(data []byte) int {
	exif, xmp := metadata(data)
	if o, ok := tiffOrientationOf(exif); ok {
		return o
	}
	if found := xmpOrientation.FindSubmatch(xmp); found != nil {
		return int(found[2][0] - '0')
	}
	return 1
}

// metadata returns the EXIF and XMP data of a JPEG, PNG or WebP file.
func metadata(data []byte) (exif, xmp []byte) {
	switch format(data) {
	case formatJPEG:
		return jpegMetadata(data)
	case formatPNG:
		return pngMetadata(data)
	case formatWebP:
		return webpMetadata(data)
	}
	return nil, nil
}

var xmpOrientation = regexp.MustCompile(`tiff:Orientation(="|>)([0-9])`)

// exifHead precedes EXIF data, in some files more than once.
var exifHead = []byte("Exif\x00\x00")

// jpegMetadata returns the EXIF and XMP segments of a JPEG file before its first scan.
func jpegMetadata(data []byte) (exif, xmp []byte) {
	const (
		app1 = 0xe1
		sos  = 0xda
	)
	for data = data[2:]; len(data) >= 2 && data[0] == 0xff; {
		marker := data[1]
		switch {
		case marker == 0xff: // a fill byte
			data = data[1:]
			continue
		case marker >= 0xd0 && marker <= 0xd9: // without content
			data = data[2:]
			continue
		case marker == sos || len(data) < 4:
			return exif, xmp
		}
		length := int(binary.BigEndian.Uint16(data[2:]))
		if length < 2 || length > len(data)-2 {
			return exif, xmp
		}
		content := data[4 : 2+length]
		if rest, ok := bytes.CutPrefix(content, exifHead); ok && marker == app1 {
			exif = append(exif, rest...)
		}
		if rest, ok := bytes.CutPrefix(content, []byte("http://ns.adobe.com/xap/1.0/\x00")); ok && marker == app1 {
			xmp = rest
		}
		data = data[2+length:]
	}
	return exif, xmp
}

// pngMetadata returns the eXIf chunk of a PNG file, and the uncompressed text of XMP.
func pngMetadata(data []byte) (exif, xmp []byte) {
	for data = data[8:]; len(data) >= 12; {
		length := binary.BigEndian.Uint32(data)
		if uint64(length) > uint64(len(data)-12) {
			return exif, xmp
		}
		content := data[8 : 8+length]
		switch string(data[4:8]) {
		case "eXIf":
			exif = content
		case "iTXt":
			if bytes.HasPrefix(content, []byte("XML:com.adobe.xmp\x00\x00")) {
				xmp = content
			}
		}
		data = data[12+length:]
	}
	return exif, xmp
}

// webpMetadata returns the EXIF and XMP chunks of a WebP file.
func webpMetadata(data []byte) (exif, xmp []byte) {
	for data = data[12:]; len(data) >= 8; {
		length := uint64(binary.LittleEndian.Uint32(data[4:]))
		if length > uint64(len(data)-8) {
			return exif, xmp
		}
		content := data[8 : 8+length]
		switch string(data[:4]) {
		case "EXIF":
			exif = content
		case "XMP ":
			xmp = content
		}
		data = data[min(uint64(len(data)), 8+length+length%2):]
	}
	return exif, xmp
}

// tiffOrientationOf returns the orientation in EXIF data, which have the format of a TIFF file with one directory. ok is
// false if there is none.
func tiffOrientationOf(exif []byte) (orientation int, ok bool) {
	for bytes.HasPrefix(exif, exifHead) {
		exif = exif[len(exifHead):]
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch {
	case bytes.HasPrefix(exif, []byte("MM\x00*")):
		order = binary.BigEndian
	case !bytes.HasPrefix(exif, []byte("II*\x00")):
		return 0, false
	}
	if len(exif) < 8 {
		return 0, false
	}
	at := uint64(order.Uint32(exif[4:]))
	if at+2 > uint64(len(exif)) {
		return 0, false
	}
	entries := exif[at+2:]
	for range order.Uint16(exif[at:]) {
		if len(entries) < 12 {
			return 0, false
		}
		e := entries[:12]
		entries = entries[12:]
		if order.Uint16(e) != tiffOrientation {
			continue
		}
		kind, count, value := order.Uint16(e[2:]), uint64(order.Uint32(e[4:])), e[8:]
		size := map[uint16]uint64{3: 2, 4: 4, 8: 2, 9: 4, 13: 4}[kind] // whole numbers of 16 and 32 bits
		if size == 0 {
			return 0, true // the tag exists, but is not a number
		}
		if size*count > 4 { // the value is the first of several at an offset
			offset := uint64(order.Uint32(value))
			if offset > uint64(len(exif)) || size*count > uint64(len(exif))-offset {
				continue
			}
			value = exif[offset:]
		}
		if count == 0 {
			continue
		}
		if size == 2 {
			return int(order.Uint16(value)), true
		}
		return int(order.Uint32(value)), true
	}
	return 0, false
}
