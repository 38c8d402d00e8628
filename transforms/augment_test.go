package transforms

import (
	"fmt"
	"image"
	"testing"

	"hymenoptera/internal/mt19937"
)

func TestAugmentationsAreTorchvisions(t *testing.T) {
	type golden struct {
		Name                             string
		Brightness, Contrast, Saturation float64
		Hue, Degrees                     float64
		Sizes                            [][2]int
		SHA256                           []string // by seed, from 0
		Next                             []uint32 // 24 bits of the next word
	}
	for _, want := range goldens[golden](t, "augmentations.json") {
		a := map[string]Augmentation{
			"ColorJitter":        ColorJitter{want.Brightness, want.Contrast, want.Saturation, want.Hue},
			"RandomRotation":     RandomRotation{want.Degrees},
			"TrivialAugmentWide": TrivialAugmentWide{},
		}[want.Name]
		for seed := range want.SHA256 {
			size := want.Sizes[seed%len(want.Sizes)]
			m := pattern(size[0], size[1])
			if seed/len(want.Sizes)%2 == 1 {
				mapPixels(m, func(r, g, b byte) (byte, byte, byte) { return 40 + r/3, 40 + g/3, 40 + b/3 })
			}
			rng := mt19937.New(uint64(seed))
			if change := a.Draw(rng, m.Width, m.Height); change != nil {
				change(m)
			}
			if got := digest(m)[:8]; got != want.SHA256[seed] {
				t.Errorf("%+v with seed %d of %v: got %s, want %s", a, seed, size, got, want.SHA256[seed])
			}
			if got := rng.Uint32() & (1<<24 - 1); got != want.Next[seed] {
				t.Errorf("%+v with seed %d: the next word is %d, want %d", a, seed, got, want.Next[seed])
			}
		}
	}
}

func TestRandomErasingIsTorchvisions(t *testing.T) {
	type golden struct {
		P            float64
		Scale, Ratio [2]float64
		Size         int
		Seed         uint64
		Draws        [][4]int
		Next         uint32
	}
	for _, want := range goldens[golden](t, "erasing.json") {
		e := RandomErasing{want.P, want.Scale, want.Ratio}
		rng := mt19937.New(want.Seed)
		for i, d := range want.Draws {
			if got, want := e.draw(rng, want.Size), image.Rect(d[0], d[1], d[2], d[3]); !got.Eq(want) {
				t.Errorf("%+v, draw %d: got %v, want %v", e, i, got, want)
			}
		}
		if got := rng.Uint32() & (1<<24 - 1); got != want.Next {
			t.Errorf("%+v, size %d: the next word is %d, want %d", e, want.Size, got, want.Next)
		}
	}
}

// A randomGrey takes the colours out of a share of the pictures.
type randomGrey struct{ share float32 }

func (g randomGrey) Draw(rng Source, _, _ int) func(*Image) {
	if mt19937.Float32(rng) >= g.share {
		return nil
	}
	return func(m *Image) {
		for y := range m.Height {
			for x := range m.Width {
				_, green, _ := m.At(x, y)
				m.Set(x, y, green, green, green)
			}
		}
	}
}

// A custom augmentation: Draw makes the random draws and returns a function that changes pixels.
func ExampleAugmentation() {
	tf := Train(224)
	tf.Augment = Chain{ColorJitter{Brightness: 0.2}, randomGrey{share: 1}}

	var m Image
	m.Reset(1, 1)
	m.Set(0, 0, 10, 20, 30)
	tf.Plan(500, 375, mt19937.New(42)).Augment(&m)
	fmt.Println(m.At(0, 0))
	// Output: 23 23 23
}
