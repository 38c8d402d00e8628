package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html/template"
	"image"
	"image/jpeg"
	"math"

	xdraw "golang.org/x/image/draw"

	"hymenoptera/internal/escape"
)

// A Thumbnail is a small JPEG of a validation image.
type Thumbnail []byte

// ThumbnailBytes limits the thumbnails of a page, which take a third more as text. A page of 10,000 images stays under 5 MB.
const ThumbnailBytes = 2_700_000

// thumbnailSide is the longer side of a thumbnail in pixels.
const thumbnailSide = 160

// NewThumbnail returns a thumbnail of a picture.
func NewThumbnail(m image.Image) (Thumbnail, error) {
	size := m.Bounds().Size()
	scale := min(1, thumbnailSide/float64(max(size.X, size.Y)))
	small := image.NewRGBA(image.Rect(0, 0, max(1, int(math.Round(scale*float64(size.X)))), max(1, int(math.Round(scale*float64(size.Y))))))
	xdraw.ApproxBiLinear.Scale(small, small.Rect, m, m.Bounds(), xdraw.Src, nil)
	var b bytes.Buffer
	err := jpeg.Encode(&b, small, &jpeg.Options{Quality: 75})
	return b.Bytes(), err
}

// explored is what explore.js reads.
type explored struct {
	Classes []string `json:"classes"`
	Images  [][5]any `json:"images"`  // file, true class, predicted class, confidence, index of its thumbnail or -1
	Thumbs  []string `json:"thumbs"`  // base64
	History [][4]any `json:"history"` // epoch, phase, loss, accuracy
}

// Explored returns the data of the page's script.
func (p *Page) Explored() explored {
	e := explored{Classes: []string{}, Images: [][5]any{}, Thumbs: []string{}, History: [][4]any{}}
	for _, class := range p.Classes {
		e.Classes = append(e.Classes, escape.Text(class))
	}
	if p.Explorable() {
		for _, x := range p.Predictions {
			thumb := -1
			if t, ok := p.Thumbnails[x.Sample]; ok {
				thumb = len(e.Thumbs)
				e.Thumbs = append(e.Thumbs, base64.StdEncoding.EncodeToString(t))
			}
			e.Images = append(e.Images, [5]any{escape.Text(p.Files[x.Sample]), x.Label, x.Predicted(), math.Round(1e4*x.Confidence()) / 1e4, thumb})
		}
	}
	for _, x := range p.History {
		e.History = append(e.History, [4]any{x.Epoch, x.Name, x.Loss, x.Acc})
	}
	return e
}

// Explorable reports whether the page lists all images of the validation set.
func (p *Page) Explorable() bool { return len(p.Files) > 0 && len(p.Predictions) > 0 }

// script returns the page's script, which is part of the program.
func script() (template.JS, error) {
	js, err := files.ReadFile("explore.js")
	return template.JS(js), err
}

// scriptHash returns the script's hash for the page's policy, which lets no other script run.
func scriptHash() (string, error) {
	js, err := script()
	sum := sha256.Sum256([]byte(js))
	return fmt.Sprintf("'sha256-%s'", base64.StdEncoding.EncodeToString(sum[:])), err
}
