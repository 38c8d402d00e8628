package hub_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"hymenoptera/hub"
)

func TestUnpackRefusesBombs(t *testing.T) {
	const name = "hymenoptera_data/a"
	small := hub.Limits{Files: 3, FileBytes: 1000, TotalBytes: 2500, Ratio: 50}
	k := strings.Repeat("x", 1000)
	for _, tt := range []struct {
		members []member
		limits  hub.Limits
		want    string
	}{
		{[]member{{name: name}, {name: name + "1"}, {name: name + "2"}, {name: name + "3"}}, small, "4 entries, more than 3"},
		{[]member{{name: name, body: k + "x"}}, small, "1001 bytes, more than 1000"},
		{[]member{{name: name, body: k}, {name: name + "1", body: k}, {name: name + "2", body: k}}, small, "zip bomb"},
		{[]member{{name: name, body: strings.Repeat("x", 3<<20)}}, hub.Limits{Files: 3, FileBytes: 1 << 30, TotalBytes: 1 << 40, Ratio: 2}, "more than 2.0 MB: a zip bomb"},
		{nil, small, "nothing is in"},
		{[]member{{name: "hymenoptera_data/"}}, small, "nothing is in"},
	} {
		if _, err := unpack(t, makeZip(t, tt.members...), tt.limits); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%d entries: error %v, want %q", len(tt.members), err, tt.want)
		}
	}
	if _, err := unpack(t, makeZip(t, member{name: name, body: k}, member{name: name + "1", body: k}), small); err != nil {
		t.Errorf("within the limits: %v", err)
	}
	var many []member
	for i := range 60_000 {
		many = append(many, member{name: "hymenoptera_data/" + strings.Repeat("n", 240) + string(rune('A'+i%50)) + "/"})
	}
	if _, err := unpack(t, makeZip(t, many...), hub.DefaultLimits()); err == nil || !strings.Contains(err.Error(), "list of its entries") {
		t.Errorf("a list of 17 MB: error %v", err)
	}
}

// The list at a zip's end can be wrong about the entries before it.
func TestUnpackRefusesLies(t *testing.T) {
	body := strings.Repeat("ant ", 100)
	good := makeZip(t, member{name: "hymenoptera_data/a", body: body}, member{name: "hymenoptera_data/b", body: body})
	first := bytes.Index(good, []byte("PK\x01\x02"))
	second := first + bytes.Index(good[first+4:], []byte("PK\x01\x02")) + 4
	for _, tt := range []struct {
		name  string
		at    int // in the second entry of the list
		value uint32
		want  string
	}{
		{"encrypted", 8, 1 | 8 | 8<<16, "encrypted"},
		{"another method", 8, 8 | 12<<16, "compression method 12"},
		{"CRC", 16, 12345, "checksum"},
		{"shorter", 24, 399, "not a valid zip file"},
		{"longer", 24, 401, "EOF"},
		{"beyond the end", 20, 1 << 30, "beyond the end"},
		{"shared bytes", 42, 0, "share bytes"},
	} {
		data := bytes.Clone(good)
		binary.LittleEndian.PutUint32(data[second+tt.at:], tt.value)
		if _, err := unpack(t, data, hub.DefaultLimits()); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
		}
	}
}
