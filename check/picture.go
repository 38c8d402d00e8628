package check

import (
	"crypto/sha256"
	"image"
	"time"

	"hymenoptera/dataset"
	"hymenoptera/transforms"
)

const (
	planeSide = 128 // cells of the plane from which hashes are computed
	thumbSide = 48  // cells that are kept
)

// A picture is the data that is kept of a file.
type picture struct {
	err           error
	sum           [sha256.Size]byte // of the file
	width, height int32             // upright
	rotated       bool
	grey          bool
	flat          bool      // it shows nothing that can be compared
	taken         time.Time // zero if unknown
	thumb         []uint8   // thumbSide × thumbSide
	hashes        []uint64  // of crops()
}

// A looker reads pictures, one after another, and reuses its memory.
type looker struct {
	file   []byte
	image  transforms.Image
	hasher *hasher
	crops  []box
}

func newLooker() *looker { return &looker{hasher: newHasher(), crops: crops()} }

// decode reads a picture upright.
func (l *looker) decode(path string) (rotated bool, err error) {
	if l.file, err = dataset.ReadFile(l.file, path); err != nil {
		return false, err
	}
	if err := dataset.Decode(&l.image, l.file); err != nil {
		return false, err
	}
	return dataset.TurnUpright(&l.image, l.file), nil
}

func (l *looker) look(path string) (p picture) {
	if p.rotated, p.err = l.decode(path); p.err != nil {
		return p
	}
	p.sum = sha256.Sum256(l.file)
	p.width, p.height = int32(l.image.Width), int32(l.image.Height)
	p.taken, _ = dataset.Taken(l.file)
	colours := shrink(&l.image, planeSide, planeSide)
	p.grey = isGrey(colours)
	values := lumas(colours)
	full := newPlane(values, planeSide)
	p.thumb = make([]uint8, thumbSide*thumbSide)
	cells, corners := make([]float64, thumbSide*thumbSide), make([]float64, (thumbSide+1)*(thumbSide+1))
	full.cells(cells, corners, whole, thumbSide)
	var sum, squares float64
	for i, v := range cells {
		p.thumb[i] = uint8(v + 0.5)
		// float64(…): without it, arm64 fuses the product with the sum.
		sum, squares = sum+v, squares+float64(v*v)
	}
	n := float64(len(cells))
	p.flat = squares/n-sum*sum/n/n < leastVariance
	p.hashes = make([]uint64, len(l.crops))
	for i, b := range l.crops {
		p.hashes[i] = l.hasher.hash(full, b)
	}
	return p
}

// Thumbnail returns the picture of a file, upright and at most side pixels wide and high.
func Thumbnail(path string, side int) (image.Image, error) {
	var l looker
	if _, err := l.decode(path); err != nil {
		return nil, err
	}
	w, h := l.image.Width, l.image.Height
	if longer := max(w, h); longer > side {
		w, h = max(1, w*side/longer), max(1, h*side/longer)
	}
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	for i, c := range shrink(&l.image, w, h) {
		copy(out.Pix[4*i:], []byte{c[0], c[1], c[2], 255})
	}
	return out, nil
}

// leastVariance is the variance of a picture's brightness below which it shows nothing.
const leastVariance = 16

// isGrey reports whether a picture has no colours, or only the small ones that JPEG leaves.
func isGrey(colours [][3]uint8) bool {
	coloured := 0
	for _, c := range colours {
		if max(c[0], c[1], c[2])-min(c[0], c[1], c[2]) > 8 {
			coloured++
		}
	}
	return coloured <= len(colours)/200
}
