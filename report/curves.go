package report

import (
	_ "golang.org/x/image/font/gofont/goregular"
	_ "golang.org/x/image/font/gofont/gobold"
	_ "golang.org/x/image/font/opentype"
	_ "gonum.org/v1/plot"
	_ "gonum.org/v1/plot/plotter"
	_ "gonum.org/v1/plot/vg/draw"
	_ "gonum.org/v1/plot/vg/vgimg"
	_ "gonum.org/v1/plot/vg/vgsvg"
	_ "gonum.org/v1/plot/font/liberation"
	_ "gonum.org/v1/plot/text"
)
