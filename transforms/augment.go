package transforms

// An Augmentation is a random change of a training picture, between the flip and ToTensor. It draws before it sees
// the pixels, so that a loader can draw in PyTorch's order and change pixels later. Any package can implement one.
type Augmentation interface {
	// Draw draws the parameters for a picture of w×h pixels from rng and returns a function that changes the picture
	// but not its size, or nil for no change.
	Draw(rng Source, w, h int) func(*Image)
}

// A Chain is several augmentations, one after another, like torchvision's Compose.
type Chain []Augmentation

// Draw implements Augmentation.
func (c Chain) Draw(rng Source, w, h int) func(*Image) {
	var steps []func(*Image)
	for _, a := range c {
		if step := a.Draw(rng, w, h); step != nil {
			steps = append(steps, step)
		}
	}
	if steps == nil {
		return nil
	}
	return func(m *Image) {
		for _, step := range steps {
			step(m)
		}
	}
}

// mapPixels replaces every pixel of m by the result of f for it.
func mapPixels(m *Image, f func(r, g, b byte) (byte, byte, byte)) {
	for y := range m.Height {
		row := m.Row(y)
		for i, v := range row {
			r0, g0, b0 := f(byte(v), byte(v>>8), byte(v>>16))
			r1, g1, b1 := f(byte(v>>32), byte(v>>40), byte(v>>48))
			row[i] = pixel(r0, g0, b0) | pixel(r1, g1, b1)<<32
		}
	}
}

// pixel returns a colour as the lower half of a word.
func pixel(r, g, b byte) uint64 { return uint64(r) | uint64(g)<<8 | uint64(b)<<16 }

// look replaces the values of every channel by those in its table.
func look(m *Image, lut *[3][256]byte) {
	mapPixels(m, func(r, g, b byte) (byte, byte, byte) { return lut[0][r], lut[1][g], lut[2][b] })
}

// histogram counts the values of every channel.
func histogram(m *Image) (h [3][256]int) {
	for y := range m.Height {
		for x := range m.Width {
			r, g, b := m.At(x, y)
			h[0][r]++
			h[1][g]++
			h[2][b]++
		}
	}
	return h
}

// Mirror turns m left to right.
func (m *Image) Mirror() {
	for y := range m.Height {
		for left, right := 0, m.Width-1; left < right; left, right = left+1, right-1 {
			lr, lg, lb := m.At(left, y)
			rr, rg, rb := m.At(right, y)
			m.Set(left, y, rr, rg, rb)
			m.Set(right, y, lr, lg, lb)
		}
	}
}
