package transforms

// A Resizer resizes pictures as Pillow 13.0.0's Image.resize does with BILINEAR: the weights in fixed point,
// two passes, each rounded to 8 bits. It keeps its scratch memory from picture to picture, so it is not safe
// for concurrent use. The zero value is ready.
type Resizer struct {
	x, y taps
	mid  Image    // what the first pass makes
	wide []uint64 // scratch of a pass
}

// Resize sets dst to the window of plan p, not flipped yet. src holds the pixels of p.Source() and nothing
// else. dst must not share memory with src.
func (r *Resizer) Resize(dst, src *Image, p Plan) {
	w, h := p.Crop.Dx(), p.Crop.Dy()
	dst.Reset(p.Window.Dx(), p.Window.Dy())
	if w != p.Width {
		r.x.compute(w, p.Width, p.Window.Min.X, p.Window.Max.X)
	}
	if h != p.Height {
		r.y.compute(h, p.Height, p.Window.Min.Y, p.Window.Max.Y)
	}
	switch {
	case w == p.Width && h == p.Height:
		for y := range dst.Height {
			copy(dst.Row(y), src.Row(y))
		}
	case h == p.Height:
		r.horizontal(dst, src)
	case w == p.Width:
		r.vertical(dst, src)
	case verticalFirst(w, h, p.Width, p.Height):
		r.mid.Reset(src.Width, dst.Height)
		r.vertical(&r.mid, src)
		r.horizontal(dst, &r.mid)
	default:
		r.mid.Reset(dst.Width, src.Height)
		r.horizontal(&r.mid, src)
		r.vertical(dst, &r.mid)
	}
}

// verticalFirst reports the order in which Pillow 13.0.0 does the two passes when w×h pixels become ow×oh.
// (Fitted to its output; older versions always begin with the horizontal one.)
func verticalFirst(w, h, ow, oh int) bool {
	kx, ky := capacity(w, ow), capacity(h, oh)
	return h > oh && 2*w*oh*ky+oh*ow*kx < ow*h*kx+2*ow*oh*ky
}
