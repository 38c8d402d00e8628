package report

import (
	"fmt"
	"image/color"
	"io"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"hymenoptera/metrics"
)

// Curves are the losses and accuracies of a training, perhaps drawn over those of another one.
type Curves struct {
	History     metrics.History
	Rule        metrics.Rule    // by which the best epoch is chosen
	Beneath     metrics.History // another training's, in paler colours; may be empty
	BeneathName string
}

// The size of the picture of the curves.
const (
	curvesWidth  = 12 * vg.Inch
	curvesHeight = 4.5 * vg.Inch
)

// mostSteps is how many changes of the learning rate are marked at most. If there are more, as with a change in every epoch,
// none is.
const mostSteps = 6

var phaseColours = map[string]color.RGBA{"train": {0x1f, 0x5f, 0xa8, 255}, "val": {0xb8, 0x4a, 0x0e, 255}}

// WritePNG writes the curves as a PNG picture.
func (c Curves) WritePNG(w io.Writer) error {
	canvas := vgimg.NewWith(vgimg.UseWH(curvesWidth, curvesHeight), vgimg.UseDPI(110))
	if err := c.draw(draw.New(canvas)); err != nil {
		return err
	}
	_, err := vgimg.PngCanvas{Canvas: canvas}.WriteTo(w)
	return err
}

// WriteSVG writes the curves as an SVG picture.
func (c Curves) WriteSVG(w io.Writer) error {
	canvas := vgsvg.New(curvesWidth, curvesHeight)
	if err := c.draw(draw.New(canvas)); err != nil {
		return err
	}
	_, err := canvas.WriteTo(w)
	return err
}

func (c Curves) draw(dc draw.Canvas) error {
	tiles := draw.Tiles{Rows: 1, Cols: 2, PadX: vg.Millimeter * 8, PadTop: vg.Millimeter * 11,
		PadBottom: vg.Millimeter * 3, PadLeft: vg.Millimeter * 4, PadRight: vg.Millimeter * 6}
	dc.SetColor(paper)
	dc.Fill(dc.Rectangle.Path())
	c.legend(dc)
	var plots []*plot.Plot
	for _, what := range []struct {
		title string
		value func(metrics.Phase) float64
	}{
		{"Loss", func(p metrics.Phase) float64 { return p.Loss }},
		{"Accuracy", func(p metrics.Phase) float64 { return p.Acc }},
	} {
		p, err := c.panel(what.title, what.value)
		if err != nil {
			return fmt.Errorf("report: curves: %w", err)
		}
		plots = append(plots, p)
	}
	for i, area := range plot.Align([][]*plot.Plot{plots}, tiles, dc)[0] {
		plots[i].Draw(area)
	}
	return nil
}

// legend writes the names of the lines, in one row over both panels.
func (c Curves) legend(dc draw.Canvas) {
	style := draw.TextStyle{Color: ink, Font: sansFont(10), YAlign: draw.YCenter, Handler: plot.DefaultTextHandler}
	x, y := dc.Min.X+6*vg.Millimeter, dc.Max.Y-6*vg.Millimeter
	item := func(name string, c color.Color, width float64) {
		line := draw.LineStyle{Color: c, Width: vg.Points(width)}
		dc.StrokeLine2(line, x, y, x+7*vg.Millimeter, y)
		x += 9 * vg.Millimeter
		dc.FillText(style, vg.Point{X: x, Y: y}, name)
		x += style.Width(name) + 8*vg.Millimeter
	}
	for _, name := range []string{"train", "val"} {
		item(name, phaseColours[name], 2)
	}
	if len(c.Beneath) > 0 {
		for _, name := range []string{"train", "val"} {
			item(newTypeface(10, false).name(c.BeneathName, 200, "the other")+" "+name, pale(name), 1.2)
		}
	}
	if _, ok := c.History.Best(c.Rule); ok {
		dc.DrawGlyph(draw.GlyphStyle{Color: ink, Shape: draw.RingGlyph{}, Radius: vg.Points(5)}, vg.Point{X: x + 3*vg.Millimeter, Y: y})
		dc.FillText(style, vg.Point{X: x + 7*vg.Millimeter, Y: y}, "best epoch")
	}
}

func pale(phase string) color.RGBA { return mix(phaseColours[phase], paper, 0.6) }

// panel draws one value of all phases over the epochs.
func (c Curves) panel(title string, value func(metrics.Phase) float64) (*plot.Plot, error) {
	p := plot.New()
	sans(p)
	p.Title.Text, p.X.Label.Text = title, "epoch"
	if b, ok := c.History.Best(c.Rule); ok {
		p.Title.Text = fmt.Sprintf("%s: val %.4f in the best epoch, %d", title, value(b), b.Epoch)
	}
	p.X.Tick.Marker = plot.TickerFunc(epochTicks)
	low, high := math.Inf(1), math.Inf(-1)
	for _, x := range append(append(metrics.History{}, c.History...), c.Beneath...) {
		low, high = min(low, value(x)), max(high, value(x))
	}
	if low > high {
		low, high = 0, 1
	}
	p.Y.Min, p.Y.Max = roomFor(low, high)
	p.Y.Tick.Marker = plot.TickerFunc(func(low, high float64) []plot.Tick {
		if title == "Accuracy" {
			high = min(high, 1)
		}
		return valueTicks(max(low, 0), high)
	})
	p.X.Min, p.X.Max = -0.5, float64(last(c.History, c.Beneath))+0.5

	grid := plotter.NewGrid()
	grid.Vertical.Width = 0
	grid.Horizontal.Color = color.RGBA{0xe3, 0xe6, 0xea, 255}
	p.Add(grid)
	if err := c.rates(p); err != nil {
		return nil, err
	}
	for _, name := range []string{"train", "val"} {
		if err := addLine(p, c.Beneath.Of(name), value, pale(name), 1.2); err != nil {
			return nil, err
		}
	}
	for _, name := range []string{"train", "val"} {
		if err := addLine(p, c.History.Of(name), value, phaseColours[name], 2); err != nil {
			return nil, err
		}
	}
	return p, c.best(p, value)
}

// addLine adds one line to the plot.
func addLine(p *plot.Plot, h metrics.History, value func(metrics.Phase) float64, c color.Color, width float64) error {
	if len(h) == 0 {
		return nil
	}
	var xys plotter.XYs
	for _, x := range h {
		xys = append(xys, plotter.XY{X: float64(x.Epoch), Y: value(x)})
	}
	line, points, err := plotter.NewLinePoints(xys)
	if err != nil {
		return err
	}
	line.Color, line.Width = c, vg.Points(width)
	points.Color, points.Shape, points.Radius = c, draw.CircleGlyph{}, vg.Points(width)
	p.Add(line)
	if len(h) < 60 {
		p.Add(points)
	}
	return nil
}

// rates marks the epochs at which the learning rate changed.
func (c Curves) rates(p *plot.Plot) error {
	steps := c.History.Rates()
	if len(steps) == 0 || len(steps) > mostSteps {
		return nil
	}
	grey := color.RGBA{0x8a, 0x92, 0x9c, 255}
	labels := plotter.XYLabels{}
	const label = 0.13 // of the width
	free := math.Inf(-1)
	for _, s := range steps {
		x := float64(s.Epoch) - 0.5
		line, err := plotter.NewLine(plotter.XYs{{X: x, Y: p.Y.Min}, {X: x, Y: p.Y.Max}})
		if err != nil {
			return err
		}
		line.Color, line.Dashes = grey, []vg.Length{vg.Points(2), vg.Points(3)}
		p.Add(line)
		if x < free {
			continue // its label would lie on the one before
		}
		// float64(…): without it, arm64 fuses the product with the sum.
		free = x + float64(label*(p.X.Max-p.X.Min))
		labels.XYs = append(labels.XYs, plotter.XY{X: x, Y: p.Y.Max})
		labels.Labels = append(labels.Labels, " lr "+shortest(s.LR))
	}
	text, err := plotter.NewLabels(labels)
	if err != nil {
		return err
	}
	for i := range text.TextStyle {
		text.TextStyle[i].Font = sansFont(8)
		text.TextStyle[i].Color = muted
		text.TextStyle[i].YAlign = draw.YTop
	}
	p.Add(text)
	return nil
}

// best rings the validation phase whose weights were kept.
func (c Curves) best(p *plot.Plot, value func(metrics.Phase) float64) error {
	b, ok := c.History.Best(c.Rule)
	if !ok {
		return nil
	}
	ring, err := plotter.NewScatter(plotter.XYs{{X: float64(b.Epoch), Y: value(b)}})
	if err != nil {
		return err
	}
	ring.Color, ring.Shape, ring.Radius = ink, draw.RingGlyph{}, vg.Points(6)
	p.Add(ring)
	return nil
}

func last(hs ...metrics.History) (epoch int) {
	for _, h := range hs {
		for _, p := range h {
			epoch = max(epoch, p.Epoch)
		}
	}
	return epoch
}

func sansFont(points float64) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Size: vg.Points(points)}
}

// sans sets all text of a plot in a font without serifs and in the ink of the pictures.
func sans(p *plot.Plot) {
	p.Title.TextStyle.Font = sansFont(13)
	p.Title.TextStyle.Color = ink
	p.Title.Padding = vg.Millimeter * 2
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.TextStyle.Font, a.Tick.Label.Font = sansFont(10), sansFont(9.5)
		a.Label.TextStyle.Color, a.Tick.Label.Color = muted, muted
		a.Color, a.Tick.Color = muted, muted
		a.Padding = 0
	}
}

// mix returns a with the given share of b.
func mix(a, b color.RGBA, share float64) color.RGBA {
	m := func(x, y uint8) uint8 {
		return uint8(math.Round(float64((1-share)*float64(x)) + float64(share*float64(y))))
	}
	return color.RGBA{m(a.R, b.R), m(a.G, b.G), m(a.B, b.B), 255}
}
