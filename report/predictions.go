package report

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"

	xdraw "golang.org/x/image/draw"

	"hymenoptera/metrics"
)

// An Example is a picture with the network's prediction.
type Example struct {
	metrics.Prediction
	File    string      // below the set's folder
	Picture *image.RGBA // as the network saw it
	CAM     []float32   // height×width, row by row, each from 0 to 1: where the network looked; or nil
	CAMSize image.Point // its width and height
}

// Predictions draws examples in two columns as the notebook's visualize_model does: "predicted: bees", with the
// confidence; a word and the colour of the frame show whether the prediction is right.
func Predictions(examples []Example, classes []string) *image.RGBA {
	const columns, gap = 2, 16
	side := 224
	if len(examples) > 0 {
		side = max(examples[0].Picture.Rect.Dx(), 224)
	}
	size := letterSize(side)
	bold, plain := newTypeface(size, true, classes...), newTypeface(size*0.9, false, classes...)
	const frame = 4
	cellW := side + 2*frame
	cellH := bold.height() + plain.height() + gap/4 + side + 2*frame
	rows := (len(examples) + columns - 1) / columns
	width := gap + columns*(cellW+gap)
	guesses := bold.labels(classes, cellW-bold.width("predicted: "))
	truths := plain.labels(classes, cellW-plain.width("100.0 % sure · wrong, it is "))
	legend := plain.legend(classes, truths, width-2*gap)
	bottom := gap + rows*(cellH+gap)
	out := image.NewRGBA(image.Rect(0, 0, width, bottom+len(legend)*plain.height()))
	fill(out, out.Rect, paper)
	for i, line := range legend {
		plain.write(out, gap, bottom+i*plain.height(), line, muted)
	}
	for i, e := range examples {
		x, y := gap+i%columns*(cellW+gap), gap+i/columns*(cellH+gap)
		c, verdict := right, "right"
		if !e.Right() {
			c, verdict = wrong, "wrong, it is "+truths[e.Label]
		}
		bold.write(out, x, y, "predicted: "+guesses[e.Predicted()], c)
		y += bold.height()
		plain.write(out, x, y, percent(e.Confidence(), 1)+" sure · "+verdict, muted)
		y += plain.height() + gap/4
		fill(out, image.Rect(x, y, x+cellW, y+side+2*frame), c)
		enlarge(out, image.Rect(x+frame, y+frame, x+frame+side, y+frame+side), e.Picture)
	}
	return out
}

// enlarge draws src into r, repeating pixels if src is smaller.
func enlarge(dst draw.Image, r image.Rectangle, src image.Image) {
	if src.Bounds().Size() == r.Size() {
		draw.Draw(dst, r, src, src.Bounds().Min, draw.Src)
		return
	}
	xdraw.CatmullRom.Scale(dst, r, src, src.Bounds(), xdraw.Src, nil)
}

// percent writes 0.9412 as "94.1 %"; digits counts those after the point.
func percent(v float64, digits int) string { return fmt.Sprintf("%.*f %%", digits, 100*v) }

// Heatmap lays a class activation map over its picture. The map is enlarged bilinearly to the picture's size; its
// colours go from dark violet, where the network did not look, through red to light yellow.
func Heatmap(e Example) *image.RGBA {
	b := e.Picture.Rect
	out := image.NewRGBA(b)
	big := Enlarge(e.CAM, e.CAMSize.X, e.CAMSize.Y, b.Dx(), b.Dy())
	for y := range b.Dy() {
		for x := range b.Dx() {
			p, h := e.Picture.RGBAAt(x, y), heat(big[y*b.Dx()+x])
			out.SetRGBA(x, y, mix(p, h, 0.55))
		}
	}
	return out
}

// heat maps 0 to 1 to a colour that grows lighter all the way.
func heat(v float32) color.RGBA {
	stops := [...]color.RGBA{{20, 11, 52, 255}, {110, 20, 110, 255}, {201, 62, 75, 255}, {247, 146, 40, 255}, {252, 253, 170, 255}}
	// float64(…): without it, arm64 fuses the product with the sum.
	at := float64(float64(min(max(v, 0), 1)) * float64(len(stops)-1))
	i := min(int(at), len(stops)-2)
	return mix(stops[i], stops[i+1], at-float64(i))
}

// Enlarge resizes a map of w×h values to toW×toH bilinearly, as torch.nn.functional.interpolate does with
// align_corners=False.
func Enlarge(values []float32, w, h, toW, toH int) []float32 {
	out := make([]float32, toW*toH)
	xs, ys := weights(w, toW), weights(h, toH)
	for y, wy := range ys {
		for x, wx := range xs {
			top := float32(values[wy.a*w+wx.a]*(1-wx.f)) + float32(values[wy.a*w+wx.b]*wx.f)
			bottom := float32(values[wy.b*w+wx.a]*(1-wx.f)) + float32(values[wy.b*w+wx.b]*wx.f)
			out[y*toW+x] = float32(top*(1-wy.f)) + float32(bottom*wy.f)
		}
	}
	return out
}

// A blend is (1-f) of value a and f of value b.
type blend struct {
	a, b int
	f    float32
}

func weights(from, to int) []blend {
	out := make([]blend, to)
	for i := range out {
		at := max((float32(i)+0.5)*float32(from)/float32(to)-0.5, 0)
		a := min(int(at), from-1)
		out[i] = blend{a, min(a+1, from-1), at - float32(a)}
	}
	return out
}
