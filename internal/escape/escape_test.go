package escape

import (
	"bytes"
	"encoding/json"
	"testing"
)

func TestText(t *testing.T) {
	for _, tt := range []struct{ in, text, csv, html string }{
		{"garden.jpg", "garden.jpg", "garden.jpg", "garden.jpg"},
		{"\x1b[31mred\a", `\x1b[31mred\x07`, `\x1b[31mred\x07`, `\x1b[31mred\x07`},
		{"a\u202egpj.exe", `a\u202egpj.exe`, `a\u202egpj.exe`, `a\u202egpj.exe`},
		{"\u2066x\u2069 \u200f\u061c", `\u2066x\u2069 \u200f\u061c`, `\u2066x\u2069 \u200f\u061c`, `\u2066x\u2069 \u200f\u061c`},
		{"\u009b31m", `\u009b31m`, `\u009b31m`, `\u009b31m`},
		{"two\nlines\tand a tab", `two\x0alines\x09and a tab`, `two\x0alines\x09and a tab`, "two\nlines\tand a tab"},
		{"\xff\xfe", `\xff\xfe`, `\xff\xfe`, `\xff\xfe`},
		{"=1+1", "=1+1", "'=1+1", "=1+1"}, {"+x", "+x", "'+x", "+x"}, {"-x.jpg", "-x.jpg", "'-x.jpg", "-x.jpg"}, {"@x", "@x", "'@x", "@x"},
		{"\t=x", `\x09=x`, `'\x09=x`, "\t=x"},
		{"क्ष 👩\u200d🔬 שלום", "क्ष 👩\u200d🔬 שלום", "क्ष 👩\u200d🔬 שלום", "क्ष 👩\u200d🔬 שלום"},
		{"", "", "", ""},
	} {
		if got := Text(tt.in); got != tt.text {
			t.Errorf("Text(%q): got %q, want %q", tt.in, got, tt.text)
		}
		if got := CSV(tt.in); got != tt.csv {
			t.Errorf("CSV(%q): got %q, want %q", tt.in, got, tt.csv)
		}
		if got := string(HTML([]byte(tt.in))); got != tt.html {
			t.Errorf("HTML(%q): got %q, want %q", tt.in, got, tt.html)
		}
	}
}

// JSON decodes to the same values with its escapes.
func TestJSON(t *testing.T) {
	const name = "\x1b\u009b\u202e\u2066\u2028\ufeff\x7f 👩\u200d🔬"
	var b bytes.Buffer
	if err := json.NewEncoder(JSON(&b)).Encode(map[string]string{name: name}); err != nil {
		t.Fatal(err)
	}
	for _, r := range b.String() {
		if harmful(r) && r != '\n' {
			t.Errorf("%U is in %q", r, b.String())
		}
	}
	var back map[string]string
	if err := json.Unmarshal(b.Bytes(), &back); err != nil || back[name] != name {
		t.Errorf("got %q and %v back", back, err)
	}
}
