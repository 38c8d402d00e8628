package mt19937

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"os"
	"slices"
	"strconv"
	"testing"
)

// TestDraws compares every draw with PyTorch's, from one stream per seed (scripts/make_goldens.py).
func TestDraws(t *testing.T) {
	var goldens []struct {
		Seed     string
		Random   []string
		Rand     []string
		Uniform  []string
		Uniform2 []string
		Randint  []int
		Randperm []int

		Multinomial []int
		Python      []int
		After       int
	}
	data, err := os.ReadFile("testdata/draws.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &goldens); err != nil {
		t.Fatal(err)
	}
	for _, want := range goldens {
		t.Run(want.Seed, func(t *testing.T) {
			seed, err := strconv.ParseUint(want.Seed, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			g := New(seed)
			for i, w := range want.Random {
				if got := strconv.FormatInt(Int64(g), 10); got != w {
					t.Errorf("random_ %d: got %s, want %s", i, got, w)
				}
			}
			for range 700 - len(want.Rand) { // past the end of a state
				Float32(g)
			}
			compare(t, "rand", want.Rand, func() float32 { return Float32(g) })
			compare(t, "uniform_(0.08, 1)", want.Uniform, func() float32 { return Uniform(g, 0.08, 1) })
			compare(t, "uniform_(-0.3, 0.7)", want.Uniform2, func() float32 { return Uniform(g, -0.3, 0.7) })
			for i, n := range []int{1, 2, 7, 1000, 1 << 27, 1 << 28, 1 << 40} {
				if got := IntN(g, n); got != want.Randint[i] {
					t.Errorf("randint(0, %d): got %d, want %d", n, got, want.Randint[i])
				}
			}
			perm := make([]int, len(want.Randperm))
			Perm(g, perm)
			if !slices.Equal(perm, want.Randperm) {
				t.Errorf("randperm: got %v, want %v", perm, want.Randperm)
			}
			var weights []float64
			for _, n := range []int{5, 11, 2} {
				weights = append(weights, slices.Repeat([]float64{1 / float64(n)}, n)...)
			}
			drawn := make([]int, len(want.Multinomial))
			Multinomial(g, weights, drawn)
			if !slices.Equal(drawn, want.Multinomial) {
				t.Errorf("multinomial: got %v, want %v", drawn, want.Multinomial)
			}
			python, ns := NewPython(seed), []int{1, 2, 7, 10, 1000, 1 << 31, 1<<32 - 1}
			for i, w := range want.Python {
				if got := PythonIntN(python, ns[i/3]); got != w {
					t.Errorf("Python's randrange(%d): got %d, want %d", ns[i/3], got, w)
				}
			}
			if got := IntN(g, 1000); got != want.After {
				t.Errorf("the draw after all: got %d, want %d", got, want.After)
			}
		})
	}
}

// compare compares draws with hexadecimal floats.
func compare(t *testing.T, name string, want []string, draw func() float32) {
	t.Helper()
	for i, w := range want {
		f, err := strconv.ParseFloat(w, 64)
		if err != nil {
			t.Fatal(err)
		}
		if got := draw(); float64(got) != f {
			t.Errorf("%s, draw %d: got %x, want %x", name, i, got, f)
		}
	}
}

func TestWords(t *testing.T) {
	g := New(42)
	for i, want := range []uint32{1608637542, 3421126067, 4083286876, 787846414} {
		if got := g.Uint32(); got != want {
			t.Errorf("word %d of seed 42: got %d, want %d", i, got, want)
		}
	}
	if got, want := New(1<<32+42).Uint32(), uint32(1608637542); got != want {
		t.Errorf("only the low 32 bits of a seed count: got %d, want %d", got, want)
	}
}

// Skip leads to the same state as the same number of draws.
func TestSkip(t *testing.T) {
	for _, n := range []uint64{0, 1, 623, 624, 625, 1248, 5000} {
		g, again := New(9), New(9)
		for range n {
			g.Uint32()
		}
		again.Skip(g.Drawn())
		if got, want := again.Uint32(), g.Uint32(); g.Drawn() != n+1 || again.Drawn() != n+1 || got != want {
			t.Errorf("after %d words: drew %d and %d, then %d, want %d", n, g.Drawn(), again.Drawn(), got, want)
		}
	}
}

// TestFMA compares with exact arithmetic.
func TestFMA(t *testing.T) {
	g := New(7)
	for i := range 200000 {
		x, y := math.Float32frombits(g.Uint32()), math.Float32frombits(g.Uint32())
		z := math.Float32frombits(g.Uint32())
		if i%2 == 0 { // as in uniform_: numbers of one size
			x, y, z = Float32(g), Float32(g)*2-1, Float32(g)*2-1
		}
		if x != x || y != y || z != z || math.IsInf(float64(x)*float64(y)*float64(z), 0) {
			continue
		}
		want := exactFMA(x, y, z)
		if got := FMA(x, y, z); got != want {
			t.Fatalf("FMA(%x, %x, %x): got %x, want %x", x, y, z, got, want)
		}
	}
}

func exactFMA(x, y, z float32) float32 {
	f := func(v float32) *big.Float { return new(big.Float).SetPrec(1000).SetFloat64(float64(v)) }
	sum := f(0).Add(f(0).Mul(f(x), f(y)), f(z))
	v, _ := sum.Float32()
	return v
}

func Example() {
	g := New(42) // torch.manual_seed(42)
	fmt.Println(Int64(g))
	perm := make([]int, 10)
	Perm(New(42), perm) // torch.randperm(10)
	fmt.Println(perm)
	// Output:
	// 6909045637428952499
	// [2 6 1 8 4 5 0 9 3 7]
}

func BenchmarkUint32(b *testing.B) {
	g := New(1)
	for b.Loop() {
		g.Uint32()
	}
}
