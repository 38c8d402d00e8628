package report

import (
	"bytes"
	"cmp"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"image"
	"image/jpeg"
	"io"
	"math"
	"slices"
	"time"

	"hymenoptera/internal/escape"
	"hymenoptera/internal/text"
	"hymenoptera/metrics"
)

//go:embed page.html compare.html check.html style.css explore.js
var files embed.FS

// A Page is the content of report.html, of a training or, with Evaluated, of an evaluation. Everything but Title, Classes and
// History with Epochs, or Evaluated, may be missing.
type Page struct {
	Title       string // network and data of the run
	Classes     []string
	Epochs      int    // asked for
	Unsaved     string // why best.safetensors does not hold the best weights; empty if it does
	Stopped     string // why the training ended early; empty while it runs and after its end
	History     metrics.History
	Rule        metrics.Rule    // by which the best epoch is chosen
	Features    bool            // trained on features in memory, for which it waits for no images
	Beneath     metrics.History // another training's, drawn beneath
	BeneathName string

	Predictions []metrics.Prediction // of the whole validation set, by the best weights so far
	Files       []string             // of the validation set, by Sample: paths below its folder
	Thumbnails  map[int]Thumbnail    // of some of them, by Sample
	Examples    []Example            // some of them, drawn at random
	Mistakes    []Example            // the most confident wrong ones
	Grid        *Embedded            // the first batch, under its title

	Train, Val DataSet
	Skipped    []string // files in the class folders that are not images
	Config     []Field
	Machine    []Field
	Differs    []Field // options that are not the notebook's
	Command    string  // repeats the run

	Evaluated *metrics.Phase // of an evaluation, which has no training
	Fitted    float64        // its network's temperature, fitted to other images; 0 if unknown
	Reload    int            // seconds after which the page of a running training reloads itself; 0 for never
}

// A Field is a name with a value.
type Field struct{ Name, Value string }

// A DataSet describes the folder of a set.
type DataSet struct {
	Images []int // a class
	Sizes  Sizes
}

// N returns the images of all classes.
func (d DataSet) N() (n int) {
	for _, k := range d.Images {
		n += k
	}
	return n
}

// Sizes are the pictures' widths and heights in pixels.
type Sizes struct {
	Looked                 int // pictures whose sizes were read; 0 if unknown
	Smallest, Median, Most image.Point
}

// An Embedded is a picture inside a page.
type Embedded struct {
	URL           template.URL
	Width, Height int
}

// Embed encodes a picture for a page as JPEG, which for photographs takes a tenth of a PNG's bytes.
func Embed(m image.Image) *Embedded {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 88}); err != nil {
		return nil // a picture with a side of more than 65535 pixels
	}
	url := "data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(b.Bytes())
	return &Embedded{URL: template.URL(url), Width: m.Bounds().Dx(), Height: m.Bounds().Dy()}
}

// Done returns how many epochs have ended.
func (p *Page) Done() int { return len(p.History.Of("val")) }

// Running reports whether there are epochs to come.
func (p *Page) Running() bool { return p.Evaluated == nil && p.Stopped == "" && p.Done() < p.Epochs }

// Best returns the best validation phase, or the last one if none got an image right. For an evaluation it returns the
// result.
func (p *Page) Best() metrics.Phase {
	if p.Evaluated != nil {
		return *p.Evaluated
	}
	return p.History.BestOrLast(p.Rule)
}

// Tied returns a later epoch with the best accuracy and a lower loss, or nil.
func (p *Page) Tied() *metrics.Phase { return p.History.Tied(p.Rule) }

// Interval returns Wilson's interval of the best accuracy.
func (p *Page) Interval() string { return interval(p.Best().Corrects, p.Best().N) }

func interval(k, n int) string {
	low, high := metrics.Wilson(k, n)
	return fmt.Sprintf("%.1f to %.1f %%", 100*low, 100*high)
}

// Left returns the time until the end at the pace so far.
func (p *Page) Left() string {
	if p.Done() == 0 {
		return ""
	}
	return span(p.History.Seconds() / float64(p.Done()) * float64(p.Epochs-p.Done()))
}

// Metrics returns the scores of the predictions.
func (p *Page) Metrics() metrics.Metrics { return metrics.Score(p.Predictions, len(p.Classes)) }

// Write writes the page as one file that loads no others.
func (p *Page) Write(w io.Writer) error { return render(w, "page.html", p) }

func render(w io.Writer, name string, data any) error {
	t, err := template.New(name).Funcs(functions()).ParseFS(files, name)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	_, err = w.Write(escape.HTML(b.Bytes()))
	return err
}

// functions are the functions of the templates.
func functions() template.FuncMap {
	return template.FuncMap{
		"percent": func(v float64) string { return percent(v, 1) },
		"whole":   func(v float64) string { return fmt.Sprintf("%.0f", 100*v) },
		"four":    func(v float64) string { return fmt.Sprintf("%.4f", v) },
		"three":   func(v float64) string { return fmt.Sprintf("%.3f", v) },
		"short":   shortest,
		"span":    span,
		"rate":    rate,
		"plus":    func(a, b int) int { return a + b },
		"size":    func(p image.Point) string { return fmt.Sprintf("%d×%d", p.X, p.Y) },
		"picture": func(e Example) *Embedded { return Embed(e.Picture) },
		"heatmap": func(e Example) *Embedded { return Embed(Heatmap(e)) },
		"style":   style,
		"script":  script, "scripthash": scriptHash,
		"letter": Letter, "lineclass": lineClass,
	}
}

// style returns the style sheet, which is part of the program.
func style() (template.CSS, error) {
	css, err := files.ReadFile("style.css")
	return template.CSS(css), err
}

// rate writes a number with three digits or, from 1000 on, as a whole number.
func rate(v float64) string {
	if v >= 1000 {
		return text.Thousands(int(v))
	}
	return fmt.Sprintf("%.3g", v)
}

// span writes seconds as "2m 20s".
func span(seconds float64) string {
	d := time.Duration(math.Round(seconds)) * time.Second
	switch {
	case seconds < 10:
		return fmt.Sprintf("%.1fs", seconds)
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm %ds", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%dh %dm", int(d.Hours()), int(d.Minutes())%60)
}

// LossChart draws the losses for the page.
func (p *Page) LossChart() template.HTML {
	return p.curve("loss", "Loss", func(x metrics.Phase) float64 { return x.Loss })
}

// AccuracyChart draws the accuracies for the page.
func (p *Page) AccuracyChart() template.HTML {
	return p.curve("acc", "Accuracy", func(x metrics.Phase) float64 { return x.Acc })
}

func (p *Page) curve(id, title string, value func(metrics.Phase) float64) template.HTML {
	c := chart{title: title + " of training and validation, by epoch", xName: "epoch"}
	for _, name := range []string{"train", "val"} {
		c.lines = append(c.lines, newSeries(name+" beneath", p.Beneath.Of(name), value))
	}
	for _, name := range []string{"train", "val"} {
		h := p.History.Of(name)
		c.lines = append(c.lines, newSeries(name, h, value))
		if n := len(h); n > 0 {
			c.about += fmt.Sprintf("%s %s went from %.4f to %.4f. ", name, title, value(h[0]), value(h[n-1]))
		}
	}
	c.share = title == "Accuracy"
	if b, ok := p.History.Best(p.Rule); ok {
		c.rings = []point{{float64(b.Epoch), value(b)}}
		c.about += fmt.Sprintf("In the best epoch, %d, val was %.4f.", b.Epoch, value(b))
	}
	if rates := p.History.Rates(); len(rates) <= mostSteps {
		for _, r := range rates {
			c.steps = append(c.steps, step{float64(r.Epoch) - 0.5, "lr " + shortest(r.LR)})
		}
	}
	return c.svg(id)
}

// CalibrationBins is the number of bins of the reliability diagram and of the calibration error.
const CalibrationBins = 10

// ECE returns the expected calibration error.
func (p *Page) ECE() float64 {
	_, ece := metrics.Calibration(p.Predictions, CalibrationBins)
	return ece
}

// Temperature returns the temperature that calibrates the network, or 1.
func (p *Page) Temperature() float64 {
	switch {
	case p.Evaluated == nil:
		return metrics.Temperature(p.Predictions)
	case p.Fitted == 0:
		return 1
	}
	return p.Fitted
}

// CalibratedECE returns the expected calibration error at the temperature.
func (p *Page) CalibratedECE() float64 {
	_, ece := metrics.Calibration(metrics.AtTemperature(p.Predictions, p.Temperature()), CalibrationBins)
	return ece
}

// Bins returns the bins of the reliability diagram that hold images.
func (p *Page) Bins() []metrics.Bin {
	bins, _ := metrics.Calibration(p.Predictions, CalibrationBins)
	return slices.DeleteFunc(bins, func(b metrics.Bin) bool { return b.N == 0 })
}

// ReliabilityChart draws accuracy against confidence.
func (p *Page) ReliabilityChart() template.HTML {
	c := chart{title: "Reliability: accuracy by confidence", xName: "confidence", unit: true,
		about: fmt.Sprintf("The expected calibration error is %.3f; the table beside it has the numbers.", p.ECE()),
		lines: []series{{class: "ideal", points: []point{{0, 0}, {1, 1}}}}}
	s := series{class: "val"}
	for _, b := range p.Bins() {
		c.bars = append(c.bars, bar{b.Low + 0.006, b.High - 0.006, b.Accuracy})
		s.points = append(s.points, point{b.Confidence, b.Accuracy})
	}
	c.lines = append(c.lines, s)
	return c.svg("reliability")
}

// Unequal reports whether a class has so many more validation images than another that the accuracy hides it.
func (p *Page) Unequal() bool {
	least, most := math.MaxInt, 0
	for _, c := range p.Metrics().Classes {
		least, most = min(least, c.Support), max(most, c.Support)
	}
	return len(p.Predictions) > 0 && 2*most > 3*least
}

// LeastRecalls returns the classes that have images, those with the lowest recall first, at most eight.
func (p *Page) LeastRecalls() []ClassRow {
	rows := slices.DeleteFunc(p.ClassRows(), func(r ClassRow) bool { return r.Support == 0 })
	slices.SortStableFunc(rows, func(a, b ClassRow) int { return cmp.Compare(a.Recall, b.Recall) })
	return rows[:min(len(rows), 8)]
}

// With returns the data for the template of an example.
func (p *Page) With(e Example) any {
	return struct {
		Example Example
		Classes []string
	}{e, p.Classes}
}
