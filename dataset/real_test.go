package dataset

import (
	"os"
	"path/filepath"
	"testing"

	"hymenoptera/internal/mt19937"
	"hymenoptera/transforms"
)

// realData returns the folder of the real ants and bees, or skips the test.
func realData(t testing.TB) string {
	shared := os.Getenv("HYMENOPTERA_SHARED")
	if shared == "" {
		t.Skip("HYMENOPTERA_SHARED is not set: it names the folder that holds data/hymenoptera_data")
	}
	return filepath.Join(shared, "data", "hymenoptera_data")
}

// BenchmarkReal measures one thread from file to normalised sample on the real images.
func BenchmarkReal(b *testing.B) {
	train, val, err := Open(realData(b))
	if err != nil {
		b.Fatal(err)
	}
	for _, bb := range []struct {
		name   string
		folder *ImageFolder
		tf     transforms.Transform
	}{{"train", train, transforms.Train(224)}, {"val", val, transforms.Eval(224)}} {
		b.Run(bb.name, func(b *testing.B) {
			l, err := NewLoader(bb.folder, bb.tf, LoaderConfig{BatchSize: 1})
			if err != nil {
				b.Fatal(err)
			}
			m := l.newMaker()
			m.seed(42)
			defer m.close()
			one := &Batch{Images: make([]float32, l.layout.SlotLen())}
			order := make([]int, l.Len())
			mt19937.Perm(mt19937.New(1), order)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if err := m.sample(b.Context(), one, 0, order[i%len(order)]); err != nil {
					b.Fatal(err)
				}
				i++
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "images/s")
		})
	}
}
