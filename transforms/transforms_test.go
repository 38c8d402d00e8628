package transforms

import (
	"fmt"
	"image"
	"strings"
	"testing"

	"hymenoptera/internal/mt19937"
)

func TestFlip(t *testing.T) {
	for _, w := range []int{1, 2, 3, 8, 9} {
		m := pattern(w, 3)
		n := NewNormalizer([3]float32{}, [3]float32{1, 1, 1})
		plain, flipped := make([]float32, 3*3*w), make([]float32, 3*3*w)
		n.Apply(plain, m, false)
		n.Apply(flipped, m, true)
		for i := range plain {
			if got, want := flipped[i/w*w+w-1-i%w], plain[i]; got != want {
				t.Fatalf("width %d: value %d: got %v, want %v", w, i, got, want)
			}
		}
	}
}

func TestApplyChannelsLast(t *testing.T) {
	n := NewNormalizer(imageNetMean, imageNetStd)
	for _, w := range []int{1, 2, 3, 8, 9} {
		for _, flip := range []bool{false, true} {
			const h = 3
			m := pattern(w, h)
			planes, pixels := make([]float32, 3*h*w), make([]float32, 3*h*w)
			n.Apply(planes, m, flip)
			n.ApplyChannelsLast(pixels, m, flip)
			for i, want := range planes {
				if got := pixels[i%(h*w)*3+i/(h*w)]; got != want {
					t.Fatalf("width %d, flip %v: value %d: got %v, want %v", w, flip, i, got, want)
				}
			}
		}
	}
}

func TestValidate(t *testing.T) {
	flat := Eval(224)
	flat.Std[1] = 0
	for _, tt := range []struct {
		tf   Transform
		want string // part of the error, or none
	}{
		{Train(224), ""},
		{Eval(224), ""},
		{Eval(1), ""},
		{Train(0), "image size 0"},
		{Eval(-5), "image size -5"},
		{Train(MaxSize + 1), "image size"},
		{Transform{Short: 100, Size: 101, Std: [3]float32{1, 1, 1}}, "resize to 100"},
		{flat, "deviation of channel 1"},
		{Transform{Random: true, Size: 64, Std: [3]float32{1, 1, 1}}, "random crops of [0 0] of the area"},
		{Transform{Random: true, Size: 64, Scale: [2]float64{0.5, 1}, Ratio: [2]float64{2, 1}, Std: [3]float32{1, 1, 1}}, "aspect ratios [2 1]"},
		{Transform{Random: true, Size: 64, Scale: [2]float64{0.5, 1}, Ratio: [2]float64{1, 1}, FlipP: 1.5, Std: [3]float32{1, 1, 1}}, "probability 1.5"},
	} {
		err := tt.tf.Validate()
		if got := fmt.Sprint(err); (err != nil) != (tt.want != "") || !strings.Contains(got, tt.want) {
			t.Errorf("%+v: got %v, want %q", tt.tf, err, tt.want)
		}
	}
}

// TestSourceIsSmall checks that the validation transform needs little more than the window's share of a picture.
func TestSourceIsSmall(t *testing.T) {
	got := Eval(224).Plan(500, 375, nil).Source()
	if want := image.Rect(84, 22, 416, 353); !got.In(want.Inset(-2)) || got.Empty() {
		t.Errorf("got %v, want about %v", got, want)
	}
}

func TestResizePanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a source that is too small must panic")
		}
	}()
	var r Resizer
	var dst Image
	r.Resize(&dst, pattern(10, 10), image.Point{}, Eval(224).Plan(20, 20, nil))
}

// TestSteadyState checks that samples allocate no memory after the scratch memory has grown.
func TestSteadyState(t *testing.T) {
	var r Resizer
	var dst Image
	src := pattern(300, 200)
	tf := Train(64)
	norm := NewNormalizer(tf.Mean, tf.Std)
	sample := make([]float32, 3*64*64)
	rng := mt19937.New(1)
	once := func() {
		p := tf.Plan(src.Width, src.Height, rng)
		r.Resize(&dst, src, image.Point{}, p)
		norm.Apply(sample, &dst, p.Flip)
	}
	for range 200 {
		once()
	}
	if n := testing.AllocsPerRun(100, once); n != 0 {
		t.Errorf("%v allocations a sample", n)
	}
}

// FuzzResize looks for sizes and windows that make the resizer read or write where it must not.
func FuzzResize(f *testing.F) {
	f.Add(uint16(5), uint16(7), uint16(3), uint16(4), uint32(0))
	f.Add(uint16(300), uint16(1), uint16(1), uint16(64), uint32(12345))
	f.Fuzz(func(t *testing.T, w, h, ow, oh uint16, seed uint32) {
		width, height := int(w)%400+1, int(h)%400+1
		p := Plan{Crop: image.Rect(0, 0, width, height), Width: int(ow)%300 + 1, Height: int(oh)%300 + 1}
		p.Window = image.Rect(0, 0, p.Width, p.Height)
		var whole Image
		src := pattern(width, height)
		var r Resizer
		r.Resize(&whole, src, image.Point{}, p)
		checkWindows(t, &r, src, &whole, p)
	})
}

func Example() {
	var src Image // as a decoder makes it
	src.Reset(500, 375)

	tf := Train(224)
	plan := tf.Plan(src.Width, src.Height, mt19937.New(42))
	fmt.Println("crop", plan.Crop, "flip", plan.Flip)

	var r Resizer
	var out Image
	r.Resize(&out, &src, image.Point{}, plan)
	sample := make([]float32, 3*224*224)
	NewNormalizer(tf.Mean, tf.Std).Apply(sample, &out, plan.Flip)
	// Output: crop (14,6)-(475,369) flip true
}

func BenchmarkResize(b *testing.B) {
	for _, bb := range []struct {
		name string
		tf   Transform
	}{{"train", Train(224)}, {"eval", Eval(224)}} {
		b.Run(bb.name, func(b *testing.B) {
			var r Resizer
			var dst Image
			src := pattern(500, 375)
			rng := mt19937.New(1)
			for b.Loop() {
				r.Resize(&dst, src, image.Point{}, bb.tf.Plan(500, 375, rng))
			}
		})
	}
}
