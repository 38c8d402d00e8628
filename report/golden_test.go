package report

import (
	"encoding/binary"
	"encoding/json"
	"image"
	"image/png"
	"math"
	"os"
	"testing"

	"hymenoptera/transforms"
)

// goldens is testdata/goldens.json, which scripts/make_report_goldens.py writes with torchvision, matplotlib, scikit-learn
// and SciPy.
type goldens struct {
	Grids []struct {
		Name  string
		Shape [4]int
	}
}

func readGoldens(t *testing.T) (g goldens) {
	t.Helper()
	data, err := os.ReadFile("testdata/goldens.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

func TestGridEqualsPython(t *testing.T) {
	for _, g := range readGoldens(t).Grids {
		data, err := os.ReadFile("testdata/grid-" + g.Name + ".f32")
		if err != nil {
			t.Fatal(err)
		}
		batch := make([]float32, len(data)/4)
		for i := range batch {
			batch[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
		}
		f, err := os.Open("testdata/grid-" + g.Name + ".png")
		if err != nil {
			t.Fatal(err)
		}
		want, err := png.Decode(f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		got := Grid(batch, g.Shape[2], g.Shape[3], transforms.Eval(32))
		equalPictures(t, g.Name, got, want)
	}
}

func equalPictures(t *testing.T, name string, got, want image.Image) {
	t.Helper()
	if got.Bounds() != want.Bounds() {
		t.Fatalf("%s: %v, want %v", name, got.Bounds(), want.Bounds())
	}
	for y := range got.Bounds().Dy() {
		for x := range got.Bounds().Dx() {
			r, g, b, _ := got.At(x, y).RGBA()
			wr, wg, wb, _ := want.At(x, y).RGBA()
			if r != wr || g != wg || b != wb {
				t.Fatalf("%s: pixel (%d, %d) is %d %d %d, want %d %d %d", name, x, y, r>>8, g>>8, b>>8, wr>>8, wg>>8, wb>>8)
			}
		}
	}
}
