package report

import (
	"bytes"
	"strings"
	"testing"
	"unicode"

	"hymenoptera/metrics"
)

// Names of classes and files may hold any character, but cannot control a terminal or reverse text in a page.
func TestPagesHoldNoControlCharacters(t *testing.T) {
	const name = "a\x1b[31m\a\u202e\u2066\u009b<b>&\xff"
	phase := metrics.Phase{Name: "val", Corrects: 1, N: 2, Acc: 0.5, Loss: 0.7}
	page := Page{Title: name, Classes: []string{name, "b"}, Epochs: 2, Stopped: name, Unsaved: name, History: metrics.History{phase}, BeneathName: name,
		Beneath: metrics.History{phase}, Predictions: []metrics.Prediction{{Label: 0, Probs: []float64{0.9, 0.1}}}, Train: DataSet{Images: []int{1, 1}}, Val: DataSet{Images: []int{1, 0}},
		Skipped: []string{name}, Config: []Field{{name, name}}, Machine: []Field{{name, name}}, Command: name}
	runs := Comparison{Runs: []Run{{Name: name, History: metrics.History{phase}}, {Name: "b", History: metrics.History{phase}}}}
	check := Check{Title: name, Summary: name, Findings: []Finding{{Title: name, Advice: name, Lines: []string{name}, Rest: name,
		Groups: []Similar{{Title: name, Pictures: []Shown{{Path: name, Note: name}}}}}}}
	for title, write := range map[string]func(*bytes.Buffer) error{
		"page":       func(b *bytes.Buffer) error { return page.Write(b) },
		"comparison": func(b *bytes.Buffer) error { return runs.Write(b) },
		"check":      func(b *bytes.Buffer) error { return check.Write(b) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		for _, r := range b.String() {
			if unicode.IsControl(r) && r != '\n' && r != '\t' || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' || r == unicode.ReplacementChar {
				t.Errorf("%s: it holds %U", title, r)
			}
		}
		if !strings.Contains(b.String(), `<bdi>a\x1b[31m\x07\u202e\u2066\u009b&lt;b&gt;&amp;`) {
			t.Errorf("%s: the name is not shown with its escapes", title)
		}
	}
}
