package report

import (
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strconv"

	"hymenoptera/metrics"
	"hymenoptera/run"
)

// A Run is one training of a comparison.
type Run run.Summary

// Best returns the run's best validation phase, or the last one if none got an image right.
func (r Run) Best() metrics.Phase { return r.History.BestOrLast(r.Rule) }

// Interval returns Wilson's interval of the best accuracy.
func (r Run) Interval() string {
	b := r.Best()
	if b.N == 0 {
		return unknown
	}
	return interval(b.Corrects, b.N)
}

// Facts returns the run's line of the table, beside its name.
func (r Run) Facts() []string {
	b := r.Best()
	facts := []string{percent(b.Acc, 1), r.Interval(), fmt.Sprintf("%.4f", b.Loss),
		strconv.Itoa(b.Epoch), strconv.Itoa(len(r.History.Of("val"))), unknown, unknown, unknown, unknown}
	if s := r.History.Seconds(); s > 0 {
		facts[5], facts[6] = span(s), fmt.Sprintf("%.3g", r.History.Rate())
	}
	if r.Parameters > 0 {
		facts[7] = count(r.Trainable)
	}
	if r.Memory > 0 {
		facts[8] = fmt.Sprintf("%.2f GB", float64(r.Memory)/1e9)
	}
	return facts
}

// count writes 11177538 as 11.18 M.
func count(n int) string {
	switch {
	case n >= 1e6:
		return fmt.Sprintf("%.2f M", float64(n)/1e6)
	case n >= 1e4:
		return fmt.Sprintf("%.1f k", float64(n)/1e3)
	}
	return strconv.Itoa(n)
}

// A Verdict says whether two runs differ by more than chance explains.
type Verdict struct {
	A, B     int     // indices of the runs
	Diff     float64 // accuracy of A minus that of B
	Larger   bool    // than chance explains, at 95 %
	Unknown  bool    // whether Larger is unknown
	Evidence string
}

// Verdicts compares all pairs of runs. Two runs whose answers to the same images are known are compared image by
// image with the exact McNemar test; other runs are compared by Newcombe's interval of the difference, as if their
// images were independent, which finds fewer differences.
func (c Comparison) Verdicts() (out []Verdict) {
	runs := c.Runs
	for i := range runs {
		for j := i + 1; j < len(runs); j++ {
			a, b := runs[i].Best(), runs[j].Best()
			v := Verdict{A: i, B: j, Diff: a.Acc - b.Acc}
			if a.N == 0 || b.N == 0 {
				v.Unknown, v.Evidence = true, "it is not known how many validation images both had"
				out = append(out, v)
				continue
			}
			onlyA, onlyB, same := paired(runs[i].Answers, runs[j].Answers)
			if reason := runs[i].otherImages(runs[j], same); reason != "" {
				v.Unknown, v.Evidence = true, reason
			} else if same {
				p := metrics.McNemar(onlyA, onlyB)
				v.Larger = p < 0.05
				v.Evidence = fmt.Sprintf("the same %d images: %d right in %s alone, %d in %s alone; exact McNemar test p = %.3g",
					len(runs[i].Answers), onlyA, Letter(i), onlyB, Letter(j), p)
			} else {
				low, high := metrics.Newcombe(a.Corrects, a.N, b.Corrects, b.N)
				v.Larger = low > 0 || high < 0
				v.Evidence = fmt.Sprintf("95 %% interval of the difference %+.1f to %+.1f points", 100*low, 100*high)
			}
			out = append(out, v)
		}
	}
	return out
}

// otherImages returns how the validation images of two runs differ, or "" if no difference is known. same says that both
// runs answered images of the same names.
func (r Run) otherImages(o Run, same bool) string {
	a, b := r.Best().N, o.Best().N
	switch {
	case a != b:
		return fmt.Sprintf("they validated with different images, %d and %d: such accuracies do not compare", a, b)
	case !same && len(r.Answers) > 0 && len(o.Answers) > 0:
		return fmt.Sprintf("they validated with different images, %d each: such accuracies do not compare", a)
	case r.ValFiles != "" && o.ValFiles != "" && r.ValFiles != o.ValFiles:
		return "they validated with different images, whose files have other sizes: such accuracies do not compare"
	}
	return ""
}

// paired counts the images that only one of two runs got right; same is false unless both saw the same images.
func paired(a, b map[string]bool) (onlyA, onlyB int, same bool) {
	if len(a) == 0 || len(a) != len(b) {
		return 0, 0, false
	}
	for file, ra := range a {
		rb, ok := b[file]
		if !ok {
			return 0, 0, false
		}
		switch {
		case ra && !rb:
			onlyA++
		case rb && !ra:
			onlyB++
		}
	}
	return onlyA, onlyB, true
}

// A Comparison is the page of several runs.
type Comparison struct{ Runs []Run }

// A Line is a line of a table with a value per run.
type Line struct {
	Name   string
	Values []string
}

// lines returns a line for each name in the runs' maps. text writes the value of a run; ok is false if its map has none.
func lines[V any](runs []Run, of func(Run) map[string]V, text func(r Run, v V, ok bool) string) (all []Line) {
	names := map[string]V{}
	for _, r := range runs {
		maps.Copy(names, of(r))
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		l := Line{Name: name}
		for _, r := range runs {
			v, ok := of(r)[name]
			l.Values = append(l.Values, text(r, v, ok))
		}
		all = append(all, l)
	}
	return all
}

const unknown = "unknown"

// Options returns the options that differ between the runs, by name.
func (c Comparison) Options() []Line {
	all := lines(c.Runs, func(r Run) map[string]string { return r.Options }, func(r Run, v string, ok bool) string {
		switch {
		case r.Options == nil:
			return unknown
		case !ok:
			return "default"
		}
		return v
	})
	return slices.DeleteFunc(all, func(l Line) bool {
		known := slices.DeleteFunc(slices.Clone(l.Values), func(v string) bool { return v == unknown })
		return len(slices.Compact(known)) < 2
	})
}

// Recalls returns the recall of each class, by name, or nothing if no run has it.
func (c Comparison) Recalls() []Line {
	return lines(c.Runs, func(r Run) map[string]float64 { return r.Recalls }, func(_ Run, v float64, ok bool) string {
		if !ok {
			return unknown
		}
		return percent(v, 1)
	})
}

// FactNames returns the heads of the table's columns.
func (c Comparison) FactNames() []string {
	return []string{"accuracy", "95 % interval", "loss", "best epoch", "epochs", "time", "images/s", "trainable", "memory"}
}

// Sentence returns a sentence about a verdict.
func (c Comparison) Sentence(v Verdict) string {
	word := "no more than these images can tell"
	switch {
	case v.Unknown:
		return fmt.Sprintf("%s and %s are not compared", Letter(v.A), Letter(v.B))
	case v.Larger:
		word = "larger than chance explains"
	}
	return fmt.Sprintf("%s and %s differ by %.1f points: %s", Letter(v.A), Letter(v.B), 100*max(v.Diff, -v.Diff), word)
}

// Scale returns a sentence about the smallest difference that the smallest validation set can show.
func (c Comparison) Scale() string {
	var least metrics.Phase
	for _, r := range c.Runs {
		if b := r.Best(); b.N > 0 && (least.N == 0 || b.N < least.N) {
			least = b
		}
	}
	if least.N == 0 {
		return "No run says how many validation images it had."
	}
	images := "images"
	if least.N == 1 {
		images = "image"
	}
	return fmt.Sprintf("With %d validation %s an accuracy of %s stands for anything from %s (95 %%, Wilson); one image is worth %.2f points.",
		least.N, images, percent(least.Acc, 1), interval(least.Corrects, least.N), 100/float64(least.N))
}

// Write writes the page.
func (c Comparison) Write(w io.Writer) error { return render(w, "compare.html", c) }

// LossChart draws the validation losses.
func (c Comparison) LossChart() template.HTML {
	return c.chart("loss", "Validation loss", func(p metrics.Phase) float64 { return p.Loss })
}

// AccuracyChart draws the validation accuracies.
func (c Comparison) AccuracyChart() template.HTML {
	return c.chart("acc", "Validation accuracy", func(p metrics.Phase) float64 { return p.Acc })
}

func (c Comparison) chart(id, title string, value func(metrics.Phase) float64) template.HTML {
	ch := chart{title: title + " by epoch", xName: "epoch", share: id == "acc"}
	for i, r := range c.Runs {
		s := newSeries(lineClass(i), r.History.Of("val"), value)
		ch.lines = append(ch.lines, s)
		if n := len(s.points); n > 0 {
			ch.about += fmt.Sprintf("%s went from %.4f to %.4f. ", Letter(i), s.points[0].y, s.points[n-1].y)
			if b, ok := r.History.Best(r.Rule); ok {
				ch.rings = append(ch.rings, point{float64(b.Epoch), value(b)})
			}
		}
	}
	return ch.svg(id)
}

// lineClass returns the CSS class of run i: six colours, each in three patterns.
func lineClass(i int) string { return fmt.Sprintf("c%d p%d", i%6, i/6%3) }
