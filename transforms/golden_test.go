package transforms

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"image"
	"math"
	"os"
	"testing"

	"hymenoptera/internal/mt19937"
)

// goldens reads values of torchvision and Pillow, which scripts/make_goldens.py writes.
func goldens[T any](t *testing.T, name string) (list []T) {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	return list
}

// pattern returns a picture that scripts/make_goldens.py makes too.
func pattern(w, h int) *Image {
	m := new(Image)
	m.Reset(w, h)
	for y := range h {
		for x := range w {
			var rgb [3]byte
			for c := range rgb {
				v := uint32(x)*2654435761 + uint32(y)*2246822519 + uint32(c+1)*3266489917
				v ^= v >> 15
				rgb[c] = byte(v * 2246822519 >> 24)
			}
			m.Set(x, y, rgb[0], rgb[1], rgb[2])
		}
	}
	return m
}

// digest returns the hash of the pixels as R, G, B, row by row.
func digest(m *Image) string {
	var pix []byte
	for y := range m.Height {
		for x := range m.Width {
			r, g, b := m.At(x, y)
			pix = append(pix, r, g, b)
		}
	}
	sum := sha256.Sum256(pix)
	return hex.EncodeToString(sum[:])
}

// One resizer makes all goldens: its scratch memory must not affect results.
func TestResizeIsPillows(t *testing.T) {
	r := new(Resizer)
	type golden struct {
		In, Out [2]int
		White   bool
		SHA256  string
	}
	var first, second, unchanged int
	for _, want := range goldens[golden](t, "resize.json") {
		w, h, ow, oh := want.In[0], want.In[1], want.Out[0], want.Out[1]
		src := pattern(w, h)
		if want.White {
			for y := range h {
				for x := range w {
					src.Set(x, y, 255, 254, 0)
				}
			}
		}
		whole := Plan{Crop: src.Bounds(), Width: ow, Height: oh, Window: image.Rect(0, 0, ow, oh)}
		var got Image
		r.Resize(&got, src, image.Point{}, whole)
		if d := digest(&got); d != want.SHA256 {
			t.Errorf("%d×%d to %d×%d: got %s, want %s", w, h, ow, oh, d, want.SHA256)
		}
		switch {
		case w == ow || h == oh:
			unchanged++
		case verticalFirst(w, h, ow, oh):
			first++
		default:
			second++
		}
		checkWindows(t, r, src, &got, whole)
	}
	t.Logf("%d vertical first, %d horizontal first, %d with an unchanged axis", first, second, unchanged)
	if first < 20 || second < 20 {
		t.Errorf("too few goldens of either order: %d and %d", first, second)
	}
}

// checkWindows compares windows, made from only the pixels that their plan needs, with the whole result.
func checkWindows(t *testing.T, r *Resizer, src, want *Image, p Plan) {
	t.Helper()
	rng := mt19937.New(uint64(src.Width*1000 + src.Height))
	for range 3 {
		x0, y0 := mt19937.IntN(rng, p.Width), mt19937.IntN(rng, p.Height)
		x1, y1 := x0+1+mt19937.IntN(rng, p.Width-x0), y0+1+mt19937.IntN(rng, p.Height-y0)
		p.Window = image.Rect(x0, y0, x1, y1)
		need := p.Source()
		origin := image.Pt(need.Min.X-mt19937.IntN(rng, min(4, need.Min.X+1)), need.Min.Y-mt19937.IntN(rng, min(3, need.Min.Y+1)))
		var part Image
		part.Reset(need.Max.X-origin.X, need.Max.Y-origin.Y)
		for y := range part.Height {
			for x := range part.Width {
				cr, cg, cb := src.At(origin.X+x, origin.Y+y)
				if !image.Pt(origin.X+x, origin.Y+y).In(need) {
					cr, cg, cb = 1, 2, 3 // must have no effect
				}
				part.Set(x, y, cr, cg, cb)
			}
		}
		var got Image
		r.Resize(&got, &part, origin, p)
		for y := range got.Height {
			for x := range got.Width {
				gr, gg, gb := got.At(x, y)
				wr, wg, wb := want.At(x0+x, y0+y)
				if gr != wr || gg != wg || gb != wb {
					t.Fatalf("%d×%d to %d×%d, window %v: pixel (%d, %d): got %d %d %d, want %d %d %d", src.Width, src.Height,
						p.Width, p.Height, p.Window, x, y, gr, gg, gb, wr, wg, wb)
				}
			}
		}
	}
}

func TestRandomResizedCropIsTorchvisions(t *testing.T) {
	type golden struct {
		Seed  uint64
		Size  [2]int
		Scale *[2]float64
		Ratio [2]float64
		Flip  float64
		Draws [][5]int // left, top, width, height, flip
	}
	for _, want := range goldens[golden](t, "crops.json") {
		rng := mt19937.New(want.Seed)
		tf := Train(224)
		if want.Scale != nil {
			tf.Scale, tf.Ratio, tf.FlipP = *want.Scale, want.Ratio, want.Flip
		}
		if err := tf.Validate(); err != nil {
			t.Error(err)
		}
		for i, d := range want.Draws {
			got := tf.Plan(want.Size[0], want.Size[1], rng)
			crop := image.Rect(d[0], d[1], d[0]+d[2], d[1]+d[3])
			if got.Crop != crop || got.Flip != (d[4] == 1) {
				t.Errorf("%v, draw %d: got %v, %v, want %v, %v", want.Size, i, got.Crop, got.Flip, crop, d[4] == 1)
			}
		}
	}
}

func TestEvalIsTorchvisions(t *testing.T) {
	type golden struct {
		Size            [2]int
		Crop            int
		Resized, Window [2]int
	}
	for _, want := range goldens[golden](t, "evals.json") {
		got := Eval(want.Crop).Plan(want.Size[0], want.Size[1], nil)
		window := image.Rect(0, 0, want.Crop, want.Crop).Add(image.Pt(want.Window[0], want.Window[1]))
		if got.Width != want.Resized[0] || got.Height != want.Resized[1] || got.Window != window {
			t.Errorf("%v for %d: got %d×%d, %v, want %v, %v", want.Size, want.Crop, got.Width, got.Height, got.Window, want.Resized, window)
		}
	}
}

func TestNormalizeIsTorchvisions(t *testing.T) {
	type golden struct{ SHA256 string }
	var ramp Image
	ramp.Reset(256, 1)
	for v := range 256 {
		ramp.Set(v, 0, byte(v), byte(v), byte(v))
	}
	tf := Train(224)
	dst := make([]float32, 3*256)
	NewNormalizer(tf.Mean, tf.Std).Apply(dst, &ramp, false)
	h := sha256.New()
	for _, f := range dst {
		h.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(f)))
	}
	if got, want := hex.EncodeToString(h.Sum(nil)), goldens[golden](t, "normalize.json")[0].SHA256; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
