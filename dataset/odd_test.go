package dataset

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"hymenoptera/transforms"
)

// readZip returns the files of an archive.
func readZip(t testing.TB, path string) map[string][]byte {
	t.Helper()
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	files := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if files[f.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
		r.Close()
	}
	return files
}

// Odd and damaged pictures (scripts/make_odd_pictures.py) have the pixels that Pillow gives them, or are refused. If Pillow
// reads a picture that this package refuses, docs/parity.md lists the reason.
func TestOddPicturesAreRefusedOrPillows(t *testing.T) {
	files := readZip(t, "testdata/odd.zip")
	var answers map[string]struct {
		Width, Height int
		SHA256        string
	}
	if err := json.Unmarshal(files["answers.json"], &answers); err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for name, want := range answers {
		var m transforms.Image
		err := Decode(&m, files[name])
		switch {
		case err != nil && want.SHA256 == "":
			counts["both refuse"]++
		case err != nil:
			counts["refused"]++
			listed := []string{"AVIF", "JPEG 2000", "ICO", "L*a*b*", "uncompressed planes", "FillOrder 2"}
			if !slices.ContainsFunc(listed, func(s string) bool { return strings.Contains(err.Error(), s) }) {
				t.Errorf("%s: Pillow reads it: %v", name, err)
			}
		case want.SHA256 == "":
			counts["read"]++
			if strings.HasPrefix(name, "cases/") {
				t.Errorf("%s: Pillow refuses it", name)
			}
		default:
			counts["equal"]++
			sum := sha256.Sum256(rgb(&m))
			if got := hex.EncodeToString(sum[:]); m.Width != want.Width || m.Height != want.Height || got != want.SHA256 {
				t.Errorf("%s: got %d×%d, %s, want %d×%d, %s", name, m.Width, m.Height, got, want.Width, want.Height, want.SHA256)
			}
		}
		if w, h, sizeErr := Size(files[name]); err == nil && (sizeErr != nil || w*h != m.Width*m.Height) {
			t.Errorf("%s: Size says %d×%d, %v of %d×%d pixels", name, w, h, sizeErr, m.Width, m.Height)
		}
	}
	if counts["equal"] < 300 || counts["both refuse"] < 200 || counts["read"] > 3 {
		t.Errorf("unlikely counts: %v", counts)
	}
}

// A picture whose strips could hold more rows than it has is one strip, as in Pillow.
func TestStripsOfManyRows(t *testing.T) {
	data := readImage(t, "rgb.tif")
	var want transforms.Image
	if err := Decode(&want, data); err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(data, []byte{278 & 0xff, 278 >> 8, 4, 0, 1, 0, 0, 0}) // RowsPerStrip, one value of 32 bits
	if at < 0 {
		t.Fatal("rgb.tif has no RowsPerStrip")
	}
	for _, rows := range []uint32{28, math.MaxInt32, math.MaxInt32 + 1, math.MaxUint32} {
		binary.LittleEndian.PutUint32(data[at+8:], rows)
		var m transforms.Image
		if err := Decode(&m, data); err != nil {
			t.Errorf("%d rows: %v", rows, err)
		} else if !bytes.Equal(rgb(&m), rgb(&want)) {
			t.Errorf("%d rows: other pixels", rows)
		}
	}
}

// A directory ends at a value that reaches past the end of the file, but not at one that is larger than the file.
func TestTIFFDirectoryEndsWithTheFile(t *testing.T) {
	for _, tt := range []struct {
		count, offset uint32
		want          []int
	}{
		{3, 40, []int{256, 257, 258}},
		{3, 1000, []int{256}},
		{3, 45, []int{256}},
		{1000, 40, []int{256, 257}},
		{math.MaxUint32, 40, []int{256, 257}},
	} {
		le := binary.LittleEndian
		data := le.AppendUint16([]byte("II*\x00\x08\x00\x00\x00"), 3)
		for _, entry := range []struct {
			tag          uint16
			count, value uint32
		}{{256, 1, 5}, {258, tt.count, tt.offset}, {257, 1, 7}} {
			data = le.AppendUint32(le.AppendUint32(le.AppendUint16(le.AppendUint16(data, entry.tag), 3), entry.count), entry.value)
		}
		data = append(data, 0, 0, 0, 0)
		d, err := readTIFFDirectory(data)
		if err != nil {
			t.Fatal(err)
		}
		if got := slices.Sorted(maps.Keys(d.tags)); !slices.Equal(got, tt.want) {
			t.Errorf("%d values at byte %d of %d: got tags %v, want %v", tt.count, tt.offset, len(data), got, tt.want)
		}
	}
}

// A message names the format of a file, and says what to do.
func TestUnknownFormatsAreNamed(t *testing.T) {
	for _, tt := range []struct{ data, want string }{
		{"", "the file is empty"},
		{"\x00\x00\x00\x20ftypavif", "an AVIF file, which is not supported: convert it to JPEG or PNG"},
		{"\x00\x00\x00\x18ftypheic", "a HEIC or HEIF file, as iPhones write them, which is not supported: convert it to JPEG or PNG"},
		{"\x00\x00\x00\x18ftypisom", "an MPEG-4 container (\"isom\"), a film rather than a picture"},
		{"\x00\x00\x00\x0cjP  \r\n\x87\n", "a JPEG 2000 file, which is not supported: convert it to JPEG or PNG"},
		{"\xff\x4f\xff\x51\x00", "a JPEG 2000 file, which is not supported: convert it to JPEG or PNG"},
		{"\x00\x00\x01\x00\x01\x00", "an ICO file, which is not supported: convert it to JPEG or PNG"},
		{"\xff\x0a\x00", "a JPEG XL file, which is not supported: convert it to JPEG or PNG"},
		{"8BPS\x00\x01", "a Photoshop file, which is not supported: convert it to JPEG or PNG"},
		{"%PDF-1.7", "a PDF file, which is not supported: convert it to JPEG or PNG"},
		{" \n<!DOCTYPE html>", "text (HTML, XML or SVG) rather than a picture: perhaps a download that failed"},
		{"hello", "not an image of a known format (JPEG, PNG, BMP, TIFF, WebP, GIF, PNM): it begins with 68 65 6c 6c 6f"},
	} {
		var m transforms.Image
		if err := Decode(&m, []byte(tt.data)); err == nil || err.Error() != tt.want {
			t.Errorf("%q: got %v, want %s", tt.data, err, tt.want)
		}
	}
}
