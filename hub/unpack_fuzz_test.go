package hub_test

import (
	"io/fs"
	"strings"
	"testing"

	"hymenoptera/hub"
)

// FuzzUnpack looks for a zip that writes outside its folder, leaves half a folder, or makes Unpack panic.
func FuzzUnpack(f *testing.F) {
	f.Add(tutorial(f))
	f.Add(makeZip(f, member{name: "hymenoptera_data/../../evil", body: "x"}))
	f.Add(makeZip(f, member{name: "hymenoptera_data/a", body: "/etc", mode: fs.ModeSymlink | 0o777}, member{name: "hymenoptera_data/a/b", body: "x"}))
	f.Add(makeZip(f, member{name: "hymenoptera_data/a", body: strings.Repeat("x", 5000)}, member{name: "hymenoptera_data/A", body: "y"}))
	limits := hub.Limits{Files: 20, FileBytes: 1 << 16, TotalBytes: 1 << 17, Ratio: 50}
	f.Fuzz(func(t *testing.T, data []byte) { unpack(t, data, limits) })
}

// FuzzUnpackNames does the same with valid zips that have arbitrary names and kinds of entries.
func FuzzUnpackNames(f *testing.F) {
	f.Add("hymenoptera_data/train/ants/a.jpg", "hymenoptera_data/train", uint32(0o644))
	f.Add("hymenoptera_data/../a", "/a", uint32(fs.ModeSymlink))
	f.Add("hymenoptera_data/a", "hymenoptera_data/a/", uint32(fs.ModeDir))
	f.Add("hymenoptera_data/NUL.txt", "hymenoptera_data/ä\x00", uint32(fs.ModeDevice))
	f.Fuzz(func(t *testing.T, a, b string, mode uint32) {
		if len(a) > 2000 || len(b) > 2000 || strings.HasSuffix(b, "/") {
			t.Skip()
		}
		unpack(t, makeZip(t, member{name: a}, member{name: b, body: "b", mode: fs.FileMode(mode)}), hub.DefaultLimits())
	})
}
