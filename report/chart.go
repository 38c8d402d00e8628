package report

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"

	"hymenoptera/metrics"
)

// A chart is a line chart for a page: SVG whose colours the page's style sheet chooses, so that it is
// legible on light and dark backgrounds. It is drawn for a column of about 400 pixels.
type chart struct {
	title string   // a short title
	about string   // a description, for screen readers
	lines []series // those at the end lie on top
	rings []point
	steps []step // marks along x
	xName string
	share bool // values are shares, at most 1
	unit  bool // both axes run from 0 to 1
	bars  []bar
}

// A series is one line; class is its CSS class.
type series struct {
	class  string
	points []point
}

type point struct{ x, y float64 }

// newSeries returns the line of a value by epoch.
func newSeries(class string, h metrics.History, value func(metrics.Phase) float64) series {
	s := series{class: class}
	for _, p := range h {
		s.points = append(s.points, point{float64(p.Epoch), value(p)})
	}
	return s
}

// A step is a mark at x with a few letters.
type step struct {
	x     float64
	label string
}

// A bar reaches from 0 to y; thin bars mark bins with few members.
type bar struct{ from, to, y float64 }

// The chart's coordinates.
const (
	chartW, chartH                   = 400.0, 260.0
	plotLeft, plotRight              = 48.0, 386.0
	plotTop, plotBottom              = 24.0, 222.0
	mostPoints, mostCharsOfStepLabel = 60, 10
)

// svg returns the chart; id must be unique in the page.
func (c chart) svg(id string) template.HTML {
	var b strings.Builder
	xLow, xHigh, yLow, yHigh := c.limits()
	// float64(…): without it, arm64 fuses the product with the sum.
	x := func(v float64) string { return num(plotLeft + float64((v-xLow)/(xHigh-xLow)*(plotRight-plotLeft))) }
	y := func(v float64) string { return num(plotBottom - float64((v-yLow)/(yHigh-yLow)*(plotBottom-plotTop))) }
	e := template.HTMLEscapeString

	fmt.Fprintf(&b, `<svg class="chart" viewBox="0 0 %v %v" role="img" aria-labelledby="%s-t %s-d" data-x="%v %v %v %v %v">`, chartW, chartH, id, id, xLow, xHigh, plotLeft, plotRight, chartW)
	fmt.Fprintf(&b, `<title id="%s-t">%s</title><desc id="%s-d">%s</desc>`, id, e(c.title), id, e(c.about))
	values, digits := ticks(yLow, yHigh, 6)
	for _, v := range values {
		if v < 0 || c.share && v > 1 {
			continue
		}
		fmt.Fprintf(&b, `<path class="grid" d="M%v %sH%v"/><text class="tick" x="%v" y="%s" dy=".35em" text-anchor="end">%s</text>`,
			plotLeft, y(v), plotRight, plotLeft-6, y(v), strconv.FormatFloat(v, 'f', digits, 64))
	}
	c.writeXTicks(&b, x, xLow, xHigh)
	for _, r := range c.bars {
		fmt.Fprintf(&b, `<path class="bar" d="M%s %sV%sH%sV%s"/>`, x(r.from), y(0), y(r.y), x(r.to), y(0))
	}
	free := -1.0
	for _, s := range c.steps {
		fmt.Fprintf(&b, `<path class="step" d="M%s %vV%v"/>`, x(s.x), plotTop-6, plotBottom)
		if at := (s.x - xLow) / (xHigh - xLow); at >= free && at < 0.9 {
			fmt.Fprintf(&b, `<text class="mark" x="%s" y="%v" dx="3">%s</text>`, x(s.x), plotTop+4, e(s.label))
			free = at + 0.22
		}
	}
	for _, s := range c.lines {
		writeSeries(&b, s, x, y)
	}
	for _, r := range c.rings {
		fmt.Fprintf(&b, `<circle class="ring" cx="%s" cy="%s" r="7"/>`, x(r.x), y(r.y))
	}
	fmt.Fprintf(&b, `<path class="axis" d="M%v %vV%vH%v"/>`, plotLeft, plotTop-6, plotBottom, plotRight)
	b.WriteString("</svg>")
	return template.HTML(b.String())
}

func (c chart) writeXTicks(b *strings.Builder, x func(float64) string, low, high float64) {
	at, digits := wholeTicks(high, 8), 0
	if c.unit {
		at, digits = ticks(low, high, 5)
	}
	for _, v := range at {
		fmt.Fprintf(b, `<text class="tick" x="%s" y="%v" text-anchor="middle">%s</text>`, x(v), plotBottom+16, strconv.FormatFloat(v, 'f', digits, 64))
	}
	fmt.Fprintf(b, `<text class="tick" x="%v" y="%v" text-anchor="middle">%s</text>`, (plotLeft+plotRight)/2, chartH-5, c.xName)
}

func writeSeries(b *strings.Builder, s series, x, y func(float64) string) {
	if len(s.points) == 0 {
		return
	}
	fmt.Fprintf(b, `<path class="line %s" d="`, s.class)
	for i, p := range s.points {
		fmt.Fprintf(b, "%c%s %s", "ML"[min(i, 1)], x(p.x), y(p.y))
	}
	b.WriteString(`"/>`)
	if len(s.points) > mostPoints {
		return
	}
	for _, p := range s.points {
		fmt.Fprintf(b, `<circle class="dot %s" cx="%s" cy="%s" r="2.5"/>`, s.class, x(p.x), y(p.y))
	}
}

// limits returns the limits of the axes.
func (c chart) limits() (xLow, xHigh, yLow, yHigh float64) {
	if c.unit {
		return 0, 1, 0, 1
	}
	first := true
	for _, s := range c.lines {
		for _, p := range s.points {
			if first {
				yLow, yHigh, first = p.y, p.y, false
			}
			xHigh, yLow, yHigh = max(xHigh, p.x), min(yLow, p.y), max(yHigh, p.y)
		}
	}
	yLow, yHigh = roomFor(yLow, yHigh)
	return -0.5, xHigh + 0.5, yLow, yHigh
}

// roomFor widens the limits of values that are not negative, and leaves room for marks at the top.
func roomFor(low, high float64) (float64, float64) {
	room := max((high-low)*0.08, 0.01)
	return max(low-room, -room/2), high + 2*room
}

// num writes a coordinate.
func num(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }
