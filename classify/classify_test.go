package classify_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"hymenoptera/checkpoint"
	"hymenoptera/classify"
	"hymenoptera/dataset"
	"hymenoptera/internal/synth"
	"hymenoptera/internal/untrained"
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
	"hymenoptera/transforms"
	"hymenoptera/zoo"
)

// trained writes a file as a run leaves it, of an untrained network, and returns its name.
func trained(dir string, change func(sd *checkpoint.StateDict)) (string, error) {
	file := filepath.Join(dir, "best.safetensors")
	return file, untrained.Write(file, 1, change)
}

// insects writes a small set and returns its validation folder.
func insects(t *testing.T) *dataset.ImageFolder {
	t.Helper()
	dir := t.TempDir()
	if err := synth.Write(dir, synth.Config{Seed: 1, Train: 1, Val: 4, MinSide: 70, MaxSide: 120}); err != nil {
		t.Fatal(err)
	}
	_, val, err := dataset.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return val
}

// Many goroutines get the logits that the network gives for the loader's own batch, and no tensor is left behind.
func TestPredictIsTheNetworkOnTheLoadersBatch(t *testing.T) {
	before := torch.Live()
	file, err := trained(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	val := insects(t)
	var pictures [][]byte
	for _, sample := range val.Samples {
		data, err := os.ReadFile(sample.Path)
		if err != nil {
			t.Fatal(err)
		}
		pictures = append(pictures, data)
	}
	c, err := classify.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	if c.Model != "resnet18" || fmt.Sprint(c.Classes) != "[ants bees]" || c.Epoch != 3 || c.Accuracy != 0.9 {
		t.Errorf("card: %+v", c.Card)
	}
	want := logits(t, file, val)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			predictions, err := c.Predict(t.Context(), pictures...)
			if err != nil {
				t.Error(err)
				return
			}
			for i, p := range predictions {
				for j, got := range p.Logits {
					if got != want[2*i+j] {
						t.Errorf("picture %d, class %d: got %v, want %v", i, j, got, want[2*i+j])
					}
				}
				if sum := p.Probabilities[0] + p.Probabilities[1]; sum < 0.999 || sum > 1.001 {
					t.Errorf("picture %d: probabilities %v", i, p.Probabilities)
				}
				if p.Logits[p.Best()] < p.Logits[1-p.Best()] {
					t.Errorf("picture %d: best %d of %v", i, p.Best(), p.Logits)
				}
			}
		})
	}
	wg.Wait()
	if _, err := c.Predict(t.Context(), pictures[0], []byte("no picture")); err == nil || !strings.Contains(err.Error(), "picture 1") {
		t.Errorf("what is no picture: got %v", err)
	}
	if ps, err := c.Predict(t.Context()); ps != nil || err != nil {
		t.Errorf("no pictures: got %v and %v", ps, err)
	}
	for range 2 {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := c.Predict(t.Context(), pictures[0]); !errors.Is(err, classify.ErrClosed) {
		t.Errorf("closed: got %v", err)
	}
	if got := torch.Live(); got != before {
		t.Errorf("%d live handles, want %d", got, before)
	}
}

// logits passes the whole folder through the file's network as one batch of the loader's.
func logits(t *testing.T, file string, folder *dataset.ImageFolder) (logits []float32) {
	t.Helper()
	loader, err := dataset.NewLoader(folder, transforms.Eval(64), dataset.LoaderConfig{BatchSize: len(folder.Samples)})
	if err != nil {
		t.Fatal(err)
	}
	err = torch.Do(t.Context(), func(s *torch.Scope) error {
		net, err := network(s, file)
		if err != nil {
			return err
		}
		epoch := loader.Epoch(t.Context(), torch.Generator{})
		defer epoch.Close()
		b, err := epoch.Next(t.Context())
		if err != nil {
			return err
		}
		defer b.Release()
		torch.NoGrad(func() {
			logits = torch.Float32s(s, net.Forward(s, torch.FromFloat32s(s, b.Images, int64(b.N), 3, 64, 64)))
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return logits
}

// network returns a file's network, ready for inference.
func network(s *torch.Scope, file string) (zoo.Network, error) {
	sd, err := checkpoint.Read(file)
	if err != nil {
		return nil, err
	}
	arch, err := zoo.Find("resnet18")
	if err != nil {
		return nil, err
	}
	net, err := arch.Load(s, sd)
	if err == nil {
		nn.SetTraining(net, false)
	}
	return net, err
}

// Open refuses files that are not a run's, with the reason, and keeps nothing of them in memory.
func TestOpenRefuses(t *testing.T) {
	before := torch.Live()
	set := func(key, value string) func(sd *checkpoint.StateDict) {
		return func(sd *checkpoint.StateDict) { sd.Metadata[key] = value }
	}
	for want, change := range map[string]func(sd *checkpoint.StateDict){
		"does not say which model":        func(sd *checkpoint.StateDict) { sd.Metadata = nil },
		`no model "alexnet"`:              set("model", "alexnet"),
		"not the weights of resnet34":     set("model", "resnet34"),
		"head for 2 classes and names 3":  set("classes", `["a","b","c"]`),
		"classes is \"nonsense\"":         set("classes", "nonsense"),
		"names no classes":                set("classes", "[]"),
		"preprocessing is random":         set("preprocessing", `{"random":true,"crop":64,"mean":[0,0,0],"std":[1,1,1]}`),
		"image size 0":                    set("preprocessing", `{"resize":64,"crop":0,"mean":[0,0,0],"std":[1,1,1]}`),
		"standard deviation of channel 0": set("preprocessing", `{"resize":64,"crop":64,"mean":[0,0,0],"std":[0,1,1]}`),
		"epoch is \"three\"":              set("epoch", "three"),
		"calibration is \"nonsense\"":     set("calibration", "nonsense"),
		"calibration is \"{}\"":           set("calibration", "{}"),
		"calibration is \"{\\\"temp":      set("calibration", `{"temperature":1,"cuts":[{"threshold":2,"precision":1,"coverage":1}]}`),
	} {
		file, err := trained(t.TempDir(), change)
		if err != nil {
			t.Fatal(err)
		}
		c, err := classify.Open(t.Context(), file)
		if c != nil || err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), file) {
			t.Errorf("got %v, want %q and the file's name", err, want)
		}
	}
	if got := torch.Live(); got != before {
		t.Errorf("%d live handles, want %d", got, before)
	}
}

// Open refuses weights that are not finite, or that give logits that are not. If only certain pictures give such logits,
// Predict refuses these. The error names the file.
func TestOnlyFiniteNumbers(t *testing.T) {
	before := torch.Live()
	set := func(name string, value func(i int) float32) func(sd *checkpoint.StateDict) {
		return func(sd *checkpoint.StateDict) {
			w, ok := sd.Get(name)
			if !ok {
				t.Fatalf("no %s", name)
			}
			for i := range len(w.Data) / 4 {
				binary.LittleEndian.PutUint32(w.Data[4*i:], math.Float32bits(value(i)))
			}
		}
	}
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	var bad *classify.NotFiniteError
	for name, change := range map[string]func(sd *checkpoint.StateDict){
		"NaN in the head":       set("fc.bias", func(int) float32 { return nan }),
		"NaN in one weight":     set("layer4.1.bn2.weight", func(i int) float32 { return map[bool]float32{true: nan, false: 1}[i == 7] }),
		"infinity in the stem":  set("bn1.bias", func(int) float32 { return inf }),
		"weights far too large": set("conv1.weight", func(int) float32 { return 1e38 }),
	} {
		file, err := trained(t.TempDir(), change)
		if err != nil {
			t.Fatal(err)
		}
		c, err := classify.Open(t.Context(), file)
		if c != nil || err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: got %v, want an error that names %s", name, err, file)
		}
		if finite := name == "weights far too large"; errors.As(err, &bad) != finite {
			t.Errorf("%s: got %v, want a *NotFiniteError: %v", name, err, finite)
		}
	}

	// The logits depend on the difference between red and green, which is 0 in grey pictures and too large in others.
	file, err := trained(t.TempDir(), set("conv1.weight", func(i int) float32 {
		return map[int]float32{0: 3e38, 1: -3e38}[i/49%3] * map[bool]float32{true: 1}[i%49 == 24]
	}))
	if err != nil {
		t.Fatal(err)
	}
	c, err := classify.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	red := image.NewRGBA(image.Rect(0, 0, 64, 64))
	draw.Draw(red, red.Rect, image.NewUniform(color.RGBA{R: 255, A: 255}), image.Point{}, draw.Src)
	var picture bytes.Buffer
	if err := png.Encode(&picture, red); err != nil {
		t.Fatal(err)
	}
	bad = nil
	if _, err := c.Predict(t.Context(), picture.Bytes()); !errors.As(err, &bad) || bad.Path != file {
		t.Errorf("Predict: got %v, want a *NotFiniteError of %s", err, file)
	}
	folder := t.TempDir()
	path := filepath.Join(folder, "ants", "red.png")
	if err := errors.Join(os.Mkdir(filepath.Dir(path), 0o777), os.WriteFile(path, picture.Bytes(), 0o666)); err != nil {
		t.Fatal(err)
	}
	pictures, err := dataset.NewImageFolder(folder)
	if err != nil {
		t.Fatal(err)
	}
	bad = nil
	if _, err := c.Evaluate(t.Context(), pictures, 1, 0); !errors.As(err, &bad) || bad.Path != file {
		t.Errorf("Evaluate: got %v, want a *NotFiniteError of %s", err, file)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if got := torch.Live(); got != before {
		t.Errorf("%d live handles, want %d", got, before)
	}
}
