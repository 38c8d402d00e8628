package check

// An aligner finds the part of one picture that another picture shows.
type aligner struct {
	side          int // of the cells that are compared
	detail        bool
	want          []float64
	have, corners []float64
	scratch       []float64
}

func newAligner(side int, detail bool) *aligner {
	return &aligner{side: side, detail: detail, want: make([]float64, side*side), have: make([]float64, side*side),
		corners: make([]float64, (side+1)*(side+1)), scratch: make([]float64, side*side)}
}

// look sets the picture to look for.
func (a *aligner) look(p plane) { a.read(a.want, p, whole) }

func (a *aligner) read(dst []float64, p plane, b box) {
	p.cells(dst, a.corners, b, a.side)
	if a.detail {
		sharpen(dst, a.scratch, a.side)
	}
}

// at returns how well the picture to look for equals a part of p.
func (a *aligner) at(p plane, b box) float64 {
	a.read(a.have, p, b)
	return correlation(a.want, a.have)
}

// best moves the sides of b by step, then by halves of it down to least, as long as the pictures become more alike. It
// returns the best part and how much alike they are there.
func (a *aligner) best(p plane, b box, step, least float64) (box, float64) {
	score := a.at(p, b)
	for ; step >= least; step /= 2 {
		for better := true; better; {
			better = false
			for _, move := range moves {
				// float64(…): without it, arm64 fuses the product with the sum.
				c := box{b.x0 + float64(move.x0*step), b.y0 + float64(move.y0*step), b.x1 + float64(move.x1*step), b.y1 + float64(move.y1*step)}
				if c.x0 < 0 || c.y0 < 0 || c.x1 > 1 || c.y1 > 1 || c.x1-c.x0 < smallestCrop || c.y1-c.y0 < smallestCrop {
					continue
				}
				if s := a.at(p, c); s > score+1e-6 {
					b, score, better = c, s, true
				}
			}
		}
	}
	return b, score
}

// smallestCrop is the smallest share of a side that a part may have.
const smallestCrop = 0.5

// moves are the changes of a part: it moves, or one of its sides does.
var moves = [...]box{{1, 0, 1, 0}, {-1, 0, -1, 0}, {0, 1, 0, 1}, {0, -1, 0, -1},
	{1, 0, 0, 0}, {-1, 0, 0, 0}, {0, 1, 0, 0}, {0, -1, 0, 0}, {0, 0, 1, 0}, {0, 0, -1, 0}, {0, 0, 0, 1}, {0, 0, 0, -1}}

// sharpen subtracts from every cell the mean of the 5×5 around it, so that edges and texture remain. scratch is memory for
// as many cells.
func sharpen(cells, scratch []float64, n int) {
	const r = 2
	for y := range n { // means along x
		row, out := cells[y*n:(y+1)*n], scratch[y*n:(y+1)*n]
		for x := range n {
			var s float64
			lo, hi := max(0, x-r), min(n-1, x+r)
			for i := lo; i <= hi; i++ {
				s += row[i]
			}
			out[x] = s / float64(hi-lo+1)
		}
	}
	for y := range n {
		lo, hi := max(0, y-r), min(n-1, y+r)
		for x := range n {
			var s float64
			for i := lo; i <= hi; i++ {
				s += scratch[i*n+x]
			}
			cells[y*n+x] -= s / float64(hi-lo+1)
		}
	}
}
