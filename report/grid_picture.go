package report

import (
	"image"
	"image/draw"
)

// GridPicture returns grid, the picture of a batch, with a title and the class of each image beneath it. It does not change the
// pixels of the images.
func GridPicture(grid *image.RGBA, labels []int, classes []string) *image.RGBA {
	columns, rows := gridShape(len(labels))
	padding := gridPadding
	if len(labels) == 1 {
		padding = 0
	}
	cell, strip := (grid.Rect.Dx()-padding)/columns, (grid.Rect.Dy()-padding)/rows // an image and one padding
	face := newTypeface(letterSize(cell), false, classes...)
	head := newTypeface(letterSize(cell)*1.15, true)
	title := "The first batch of the training, as the network saw it"
	margin := face.height() / 2
	width := max(grid.Rect.Dx(), min(head.width(title), 480)) + 2*margin
	names := face.labels(classes, cell-face.width("  "))
	legend := face.legend(classes, names, width-2*margin)
	top := margin + head.height()
	row := padding + strip + face.height()
	out := image.NewRGBA(image.Rect(0, 0, width, top+rows*row+len(legend)*face.height()+margin))
	fill(out, out.Rect, paper)

	head.write(out, margin, margin/2, head.fit(title, width-2*margin), ink)
	for r := range rows {
		y := top + r*row
		draw.Draw(out, image.Rect(margin, y, margin+grid.Rect.Dx(), y+strip+padding), grid, image.Pt(0, r*strip), draw.Src)
		for i := r * columns; i < min((r+1)*columns, len(labels)); i++ {
			face.write(out, margin+padding+i%columns*cell, y+strip+padding, names[labels[i]], muted)
		}
	}
	for i, line := range legend {
		face.write(out, margin, top+rows*row+i*face.height(), line, muted)
	}
	return out
}

// letterSize returns the size of letters, in pixels, beside images of that width.
func letterSize(width int) float64 { return min(max(float64(width)/13, 11), 20) }
