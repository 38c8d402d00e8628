package vision_test

import (
	"context"
	"encoding/json"
	"fmt"
	"image"
	"math"
	"os"
	"testing"

	"hymenoptera/torch"
	"hymenoptera/torch/vision"
	"hymenoptera/transforms"
)

// goldens is testdata/crops.json, made by scripts/make_vision_goldens.py.
type goldens struct {
	Height, Width, Size int
	Cases               []struct {
		Crop   [4]int // left, top, width, height
		Flip   bool
		Pixels []int
	}
}

// picture is the goldens' picture, 1×3×H×W.
func picture(s *torch.Scope, h, w int) *torch.Tensor {
	pixels := make([]byte, 3*h*w)
	for i := range pixels {
		pixels[i] = byte(uint32(i*2654435761+i/w*40503) >> 24)
	}
	return torch.FromBytes(s, torch.Uint8, pixels, 1, 3, int64(h), int64(w))
}

// Floats are rounded once, so a sum near a half may be rounded the other way. On AVX2 none of the goldens' numbers differs;
// the test allows 1 % of them to differ by 1.
func TestResizedCropIsTorchvisions(t *testing.T) {
	data, err := os.ReadFile("testdata/crops.json")
	if err != nil {
		t.Fatal(err)
	}
	var g goldens
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	before := torch.Live()
	err = torch.Do(t.Context(), func(s *torch.Scope) error {
		p, size := picture(s, g.Height, g.Width), int64(g.Size)
		for _, c := range g.Cases {
			out := torch.Zeros(s, torch.Float32, torch.CPU, 1, 3, size, size)
			vision.ResizedCrop(s, out, p, image.Rect(c.Crop[0], c.Crop[1], c.Crop[0]+c.Crop[2], c.Crop[1]+c.Crop[3]), c.Flip)
			differ := 0
			for i, v := range torch.Float32s(s, out) {
				if d := math.Abs(float64(v) - float64(c.Pixels[i])); d != 0 {
					if differ++; d > 1 {
						t.Fatalf("crop %v: number %d is %v, want %v", c.Crop, i, v, c.Pixels[i])
					}
				}
			}
			if differ*100 > len(c.Pixels) {
				t.Errorf("crop %v: %d of %d numbers differ by 1, over 1 %%", c.Crop, differ, len(c.Pixels))
			}
			t.Logf("crop %v: %d of %d numbers differ", c.Crop, differ, len(c.Pixels))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := torch.Live(); got != before {
		t.Errorf("%d live handles, want %d", got, before)
	}
}

// The normaliser's steps give the bits of the table that the workers use.
func TestNormalizerIsTransforms(t *testing.T) {
	tf := transforms.Train(16)
	var m transforms.Image
	m.Reset(16, 16)
	pixels := make([]float32, 3*256)
	for v := range 256 {
		m.Set(v%16, v/16, byte(v), byte(v), byte(v))
		pixels[v], pixels[256+v], pixels[512+v] = float32(v), float32(v), float32(v)
	}
	want := make([]float32, 3*256)
	transforms.NewNormalizer(tf.Mean, tf.Std).Apply(want, &m, false)
	err := torch.Do(t.Context(), func(s *torch.Scope) error {
		got := torch.Float32s(s, vision.NewNormalizer(s, tf.Mean, tf.Std, torch.CPU).Apply(s, torch.FromFloat32s(s, pixels, 1, 3, 16, 16)))
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("number %d: got %v, want %v", i, got[i], want[i])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func ExampleResizedCrop() {
	err := torch.Do(context.Background(), func(s *torch.Scope) error {
		// A picture whose left half is 0 and whose right half is 200, mirrored.
		p := torch.FromBytes(s, torch.Uint8, []byte{0, 200, 0, 200, 0, 200}, 1, 3, 1, 2)
		out := torch.Empty(s, torch.Float32, torch.CPU, 1, 3, 1, 2)
		vision.ResizedCrop(s, out, p, image.Rect(0, 0, 2, 1), true)
		fmt.Println(torch.Float32s(s, out)[:2])
		return nil
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output: [200 0]
}
