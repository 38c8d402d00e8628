package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"hymenoptera/metrics"
)

// Tied returns a later epoch with the best accuracy and a lower loss; of several, the one with the lowest loss.
func TestTied(t *testing.T) {
	val := func(epoch int, acc, loss float64) metrics.Phase {
		return metrics.Phase{Name: "val", Epoch: epoch, Acc: acc, Loss: loss, N: 4}
	}
	for _, tt := range []struct {
		history metrics.History
		want    int // epoch, or -1
	}{
		{nil, -1},
		{metrics.History{val(0, 0, 1), val(1, 0, 0.5)}, -1},
		{metrics.History{val(0, 0.5, 1)}, -1},
		{metrics.History{val(0, 0.5, 1), val(1, 0.5, 1)}, -1},
		{metrics.History{val(0, 0.5, 1), val(1, 0.25, 0.5)}, -1},
		{metrics.History{val(0, 0.5, 1), val(1, 0.5, 0.5), val(2, 0.5, 0.25), val(3, 0.5, 0.75)}, 2},
		{metrics.History{val(0, 0.25, 0.1), val(1, 0.5, 1), {Name: "train", Epoch: 2, Acc: 0.5}, val(2, 0.5, 0.5)}, 2},
	} {
		got := -1
		if tied := tt.history.Tied(metrics.ByAccuracy); tied != nil {
			got = tied.Epoch
		}
		if got != tt.want {
			t.Errorf("%+v: got epoch %d, want %d", tt.history, got, tt.want)
		}
		var page strings.Builder
		if err := (&Page{History: tt.history, Epochs: 9}).Write(&page); err != nil {
			t.Fatal(err)
		}
		if said := strings.Contains(page.String(), "had the same accuracy and a lower loss"); said != (got >= 0) {
			t.Errorf("%+v: the page says it: %v", tt.history, said)
		}
	}
}

func TestPlot(t *testing.T) {
	got := Plot([][]float64{{0, 1, 2}, {2, 1}}, 5, 3)
	want := "  2.0000 | B   A\n" +
		"  1.0000 |  B*A\n" +
		"  0.0000 | AA\n" +
		"         +------\n" +
		"           0   2\n"
	// B runs from epoch 0 to 1, half of the width, and meets A there.
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if Plot(nil, 5, 3) != "" || Plot([][]float64{{1}}, 5, 3) == "" || Plot([][]float64{{1, 1}}, 1, 1) == "" {
		t.Error("nothing, one value or a single letter")
	}
}

func TestSparkline(t *testing.T) {
	for _, tt := range []struct {
		values []float64
		width  int
		want   string
	}{
		{nil, 4, ""}, {[]float64{1}, 0, ""}, {[]float64{3}, 4, "▁"}, {[]float64{2, 2}, 4, "▁▁"},
		{[]float64{0, 1, 2, 3, 4, 5, 6, 7}, 8, "▁▂▃▄▅▆▇█"}, {[]float64{0, 0, 8, 8}, 2, "▁█"},
	} {
		if got := Sparkline(tt.values, tt.width); got != tt.want {
			t.Errorf("%v in %d: got %q, want %q", tt.values, tt.width, got, tt.want)
		}
	}
}

// val is a run of one epoch.
func val(right, n int, answers ...bool) Run {
	p := metrics.Phase{Name: "val", Corrects: right, N: n, Acc: 0.5}
	if n > 0 {
		p.Acc = float64(right) / float64(n)
	}
	r := Run{History: metrics.History{p}}
	for i, a := range answers {
		if r.Answers == nil {
			r.Answers = map[string]bool{}
		}
		r.Answers[string(rune('a'+i))] = a
	}
	return r
}

func renamed(r Run) Run {
	answers := map[string]bool{}
	for file, right := range r.Answers {
		answers["other-"+file] = right
	}
	r.Answers = answers
	return r
}

func sized(r Run, digest string) Run {
	r.ValFiles = digest
	return r
}

func TestComparisonTables(t *testing.T) {
	c := Comparison{Runs: []Run{
		{Options: map[string]string{"lr": "0.1", "epochs": "3"}, Recalls: map[string]float64{"ants": 0.5, "bees": 1}},
		{Options: map[string]string{"lr": "0.01", "epochs": "3", "ema": "0.9"}},
		{},
	}}
	if got, want := fmt.Sprint(c.Options()), "[{ema [default 0.9 unknown]} {lr [0.1 0.01 unknown]}]"; got != want {
		t.Errorf("options %v, want %v", got, want)
	}
	if got, want := fmt.Sprint(c.Recalls()), "[{ants [50.0 % unknown unknown]} {bees [100.0 % unknown unknown]}]"; got != want {
		t.Errorf("recalls %v, want %v", got, want)
	}
}

// Every pair gets a verdict. Answers to the same images are compared one by one, to different images not at all.
func TestVerdicts(t *testing.T) {
	yes, no := make([]bool, 12), make([]bool, 12)
	for i := range yes {
		yes[i] = true
	}
	for _, tt := range []struct {
		name            string
		a, b            Run
		larger, unknown bool
		evidence        string
	}{
		{"far apart", val(90, 100), val(50, 100), true, false, "95 % interval of the difference +2"},
		{"close", val(90, 100), val(88, 100), false, false, "95 % interval of the difference -"},
		{"the same images, far apart", val(12, 12, yes...), val(0, 12, no...), true, false, "the same 12 images: 12 right in A alone, 0 in B alone; exact McNemar test p = 0.000488"},
		{"the same answers", val(12, 12, yes...), val(12, 12, yes...), false, false, "exact McNemar test p = 1"},
		{"of different numbers", val(90, 100), val(50, 99), false, true, "different images, 100 and 99"},
		{"of different names", val(12, 12, yes...), renamed(val(0, 12, no...)), false, true, "different images, 12 each"},
		{"of different sizes", sized(val(12, 12, yes...), "a"), sized(val(0, 12, no...), "b"), false, true, "whose files have other sizes"},
		{"of the same sizes", sized(val(12, 12, yes...), "a"), sized(val(0, 12, no...), "a"), true, false, "the same 12 images"},
		{"a log without counts", val(0, 0), val(50, 100), false, true, "not known"},
	} {
		vs := Comparison{[]Run{tt.a, tt.b}}.Verdicts()
		if len(vs) != 1 || vs[0].Larger != tt.larger || vs[0].Unknown != tt.unknown || !strings.Contains(vs[0].Evidence, tt.evidence) {
			t.Errorf("%s: got %+v", tt.name, vs)
		}
	}
	if n := len((Comparison{[]Run{val(1, 2), val(1, 2), val(1, 2)}}).Verdicts()); n != 3 {
		t.Errorf("three runs: %d verdicts, want 3", n)
	}
}

// The curves' SVG is well-formed and names both phases; both pages are whole.
func TestPagesAndCurves(t *testing.T) {
	h := metrics.History{{Name: "train", Loss: 1, Acc: 0.4, N: 10, LR: 0.1}, {Name: "val", Loss: 0.9, Acc: 0.6, Corrects: 6, N: 10},
		{Epoch: 1, Name: "train", Loss: 0.5, Acc: 0.7, N: 10, LR: 0.01}, {Epoch: 1, Name: "val", Loss: 0.8, Acc: 0.5, Corrects: 5, N: 10}}
	var svg, png, page, comparison bytes.Buffer
	c := Curves{History: h}
	p := Page{Title: "a & b", Classes: []string{"ants", "<bees>"}, Epochs: 2, History: h,
		Predictions: []metrics.Prediction{{Label: 1, Probs: []float64{0.2, 0.8}}, {Sample: 1, Label: 0, Probs: []float64{0.3, 0.7}}}}
	if err := errors.Join(c.WriteSVG(&svg), c.WritePNG(&png), p.Write(&page), Comparison{[]Run{{Name: "x", History: h}, {Name: "y", History: h[:2]}}}.Write(&comparison)); err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(&svg); ; {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.HasPrefix(png.Bytes(), []byte("\x89PNG")) {
		t.Error("curves.png is none")
	}
	for _, want := range []string{"60.0 %", "6 of 10", "&lt;bees&gt;", "a &amp; b", "</html>"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	for _, want := range []string{"A and B differ by 0.0 points", "</html>"} {
		if !strings.Contains(comparison.String(), want) {
			t.Errorf("the comparison lacks %q", want)
		}
	}
	p.History, page = nil, bytes.Buffer{}
	if err := p.Write(&page); err != nil || !strings.Contains(page.String(), "there is no accuracy yet") || strings.Contains(page.String(), "0 of 0") {
		t.Errorf("before the first validation: %v", err)
	}
}
