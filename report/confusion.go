package report

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"hymenoptera/metrics"
)

// A Cell is one count of the confusion matrix.
type Cell struct {
	True, Taken int
	N           int
	Share       int // of the class's images, in percent of the strongest shade
	Diag        bool
}

// A Row is the images of one class.
type Row struct {
	Number int
	Name   string
	Cells  []Cell
}

// mostColumns is how many classes a table still shows; more are drawn as a map.
const mostColumns = 16

// Table reports whether the confusion matrix fits a table.
func (p *Page) Table() bool { return len(p.Classes) <= mostColumns }

// ShortNames reports whether the columns of the confusion matrix have room for the names themselves.
func (p *Page) ShortNames() bool {
	return len(p.Classes) <= 6 && !slices.ContainsFunc(p.Classes, func(s string) bool { return utf8.RuneCountInString(s) > 10 })
}

// LongNames reports whether the tables of the classes need the page's whole width.
func (p *Page) LongNames() bool {
	return slices.ContainsFunc(p.Classes, func(s string) bool { return utf8.RuneCountInString(s) > 14 })
}

// Confusion returns the rows of the confusion matrix.
func (p *Page) Confusion() []Row {
	const strongest = 38 // percent of the colour that still leaves the number legible
	var rows []Row
	m := p.Metrics()
	for i, counts := range m.Confusion {
		row := Row{Number: i + 1, Name: p.Classes[i]}
		for j, n := range counts {
			share := int(math.Round(strongest * metrics.Ratio(n, m.Classes[i].Support)))
			row.Cells = append(row.Cells, Cell{True: i, Taken: j, N: n, Share: share, Diag: i == j})
		}
		rows = append(rows, row)
	}
	return rows
}

// ConfusionMap draws the confusion matrix of many classes: a square for each count that is not 0.
func (p *Page) ConfusionMap() template.HTML {
	var b strings.Builder
	m := p.Metrics()
	n := len(p.Classes)
	const left, side = 64.0, 600.0
	cell := side / float64(n)
	fmt.Fprintf(&b, `<svg class="map" viewBox="0 0 %v %v" role="img" aria-labelledby="map-t map-d"><title id="map-t">Confusion matrix of %d classes</title>`+
		`<desc id="map-d">Rows are the true classes, columns the predicted ones; the table below lists the most frequent mistakes.</desc>`, left+side+26, left+side+10, n)
	fmt.Fprintf(&b, `<rect class="ground" x="%v" y="%v" width="%v" height="%v"/>`, left, left, side, side)
	for i, counts := range m.Confusion {
		for j, k := range counts {
			if k == 0 {
				continue
			}
			class := "off"
			if i == j {
				class = "diag"
			}
			fmt.Fprintf(&b, `<rect data-cell="%d %d" class="%s" x="%.2f" y="%.2f" width="%.2f" height="%.2f" opacity="%.2f"/>`,
				// float64(…): without it, arm64 fuses the product with the sum.
				i, j, class, left+float64(float64(j)*cell), left+float64(float64(i)*cell), cell, cell, 0.25+float64(0.75*metrics.Ratio(k, m.Classes[i].Support)))
		}
	}
	for _, v := range wholeTicks(float64(n), 5) {
		number := max(int(v), 1)
		at := left + float64((float64(number)-0.5)*cell)
		fmt.Fprintf(&b, `<text class="tick" x="%.1f" y="%v" text-anchor="middle">#%d</text>`, at, left-8, number)
		fmt.Fprintf(&b, `<text class="tick" x="%v" y="%.1f" dy=".35em" text-anchor="end">#%d</text>`, left-5, at, number)
	}
	b.WriteString("</svg>")
	return template.HTML(b.String())
}

// A Mixup is a class that was taken for another.
type Mixup struct {
	True, Taken         int // numbers, from 1
	TrueName, TakenName string
	N, Of               int
}

// Mixups returns the most frequent mistakes, at most twenty kinds.
func (p *Page) Mixups() []Mixup {
	var out []Mixup
	m := p.Metrics()
	for i, counts := range m.Confusion {
		for j, n := range counts {
			if i != j && n > 0 {
				out = append(out, Mixup{i + 1, j + 1, p.Classes[i], p.Classes[j], n, m.Classes[i].Support})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Mixup) int { return cmp.Compare(b.N, a.N) })
	return out[:min(len(out), 20)]
}

// A ClassRow is the line of one class in the table of scores.
type ClassRow struct {
	Number int
	Name   string
	metrics.ClassScore
}

// ClassRows returns the scores of all classes.
func (p *Page) ClassRows() []ClassRow {
	var rows []ClassRow
	for i, s := range p.Metrics().Classes {
		rows = append(rows, ClassRow{i + 1, p.Classes[i], s})
	}
	return rows
}

// MostConfidentMistakes returns the wrong predictions, the most confident first, at most n.
func MostConfidentMistakes(predictions []metrics.Prediction, n int) []metrics.Prediction {
	var out []metrics.Prediction
	for _, p := range predictions {
		if !p.Right() {
			out = append(out, p)
		}
	}
	slices.SortStableFunc(out, func(a, b metrics.Prediction) int {
		return cmp.Or(cmp.Compare(b.Confidence(), a.Confidence()), cmp.Compare(a.Sample, b.Sample))
	})
	return out[:min(len(out), n)]
}
