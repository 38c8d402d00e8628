package text_test

import (
	"testing"

	"hymenoptera/internal/text"
)

func TestBytes(t *testing.T) {
	for s, want := range map[string]int64{
		"0": 0, "1000": 1000, "2k": 2000, "500M": 500e6, "1.5G": 1.5e9,
		"": -1, "G": -1, "-1": -1, "NaN": -1, "2T": -1, "1e9G": -1, "2MG": -1, "lots": -1,
	} {
		got, ok := text.Bytes(s)
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("Bytes(%q) = %d, %v, want %d", s, got, ok, want)
		}
	}
}

func TestText(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{text.Thousands(0), "0"},
		{text.Thousands(999), "999"},
		{text.Thousands(11177538), "11,177,538"},
		{text.GB(0), "unknown"},
		{text.GB(15_600_000_000), "15.6 GB"},
		{text.Few([]string{"a"}, 3), "a"},
		{text.Few([]string{"a", "b", "c", "d", "e"}, 3), "a, b, c, and 2 more"},
		{text.Short("ünïcödé", 7), "ünïcödé"},
		{text.Short("ünïcödé", 4), "ünï…"},
		{text.OneLine("a\nb\x1b[2J\xff"), `a\nb\x1b[2J\xff`},
		{text.Printable("ants"), "ants"},
		{text.Printable("a\x1b"), `"a\x1b"`},
		{text.Printable("a\xff"), `"a\xff"`},
		{text.Printable("a\ufffd"), "a\ufffd"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}
