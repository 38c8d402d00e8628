package transforms

import "image"

// A Plan says how to make a sample of one picture: resize the pixels of Crop to Width×Height, keep Window of the
// result, mirror it left to right if Flip is set, change it by Augment if that is not nil, normalise it, and set
// Erase to zero.
type Plan struct {
	Crop          image.Rectangle // inside the picture; pixels outside have no effect
	Width, Height int             // what Crop is resized to, in pixels
	Window        image.Rectangle // inside Width×Height
	Flip          bool
	Augment       func(*Image)
	Erase         image.Rectangle // inside Window's size; empty for nothing
}

// Source returns the part of the picture that the pixels of Window depend on. It lies in Crop.
func (p Plan) Source() image.Rectangle {
	x0, x1 := span(p.Crop.Dx(), p.Width, p.Window.Min.X, p.Window.Max.X)
	y0, y1 := span(p.Crop.Dy(), p.Height, p.Window.Min.Y, p.Window.Max.Y)
	return image.Rect(x0, y0, x1, y1).Add(p.Crop.Min)
}
