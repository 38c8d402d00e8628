package report

import (
	"image"
	"image/draw"
)

// GridPicture returns grid, the picture of a batch, under a title with the class of each image. It does not change
// the grid's pixels.
func GridPicture(grid *image.RGBA, labels []int, classes []string) *image.RGBA {
	columns, rows := gridShape(len(labels))
	cell := grid.Rect.Dx() / columns
	face := newTypeface(letterSize(cell), false)
	head := newTypeface(letterSize(cell)*1.15, true)
	title := "The first batch of the training, as the network saw it"
	margin := face.height() / 2
	width := max(grid.Rect.Dx(), min(head.width(title), 480)) + 2*margin
	top := margin + head.height() + rows*face.height() + margin
	out := image.NewRGBA(image.Rect(0, 0, width, top+grid.Rect.Dy()+margin))
	fill(out, out.Rect, paper)

	head.write(out, margin, margin/2, head.fit(title, width-2*margin), ink)
	names := face.labels(classes, cell-face.width("  "))
	for i, label := range labels {
		x, y := margin+gridPadding+i%columns*cell, margin+head.height()+i/columns*face.height()
		face.write(out, x, y, names[label], muted)
	}
	draw.Draw(out, grid.Rect.Add(image.Pt(margin, top)), grid, image.Point{}, draw.Src)
	return out
}

// letterSize returns the size of letters, in pixels, beside images of that width.
func letterSize(width int) float64 { return min(max(float64(width)/13, 11), 20) }
