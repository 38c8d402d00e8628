package finetune

import (
	"bytes"
	"encoding/binary"
	"log/slog"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hymenoptera/checkpoint"
	"hymenoptera/internal/synth"
	"hymenoptera/internal/untrained"
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
)

// The head of a run's weights stays if it is complete and the classes are the same in the same order.
func TestHeadOfARun(t *testing.T) {
	file := filepath.Join(t.TempDir(), "best.safetensors")
	for _, test := range []struct {
		name    string
		classes []string
		change  func(sd *checkpoint.StateDict)
		keeps   bool
		logged  string
	}{
		{"the same", []string{"ants", "bees"}, nil, true, "the head stays, because the classes are the same"},
		{"another order", []string{"bees", "ants"}, nil, false, "a new head, because the classes differ: the file's are ants, bees"},
		{"more classes", []string{"ants", "bees", "wasps"}, nil, false, "a new head, because the classes differ: the file's are ants, bees"},
		{"not a run's", []string{"ants", "bees"}, func(sd *checkpoint.StateDict) { sd.Metadata = nil }, false, ""},
		{"NaN", []string{"ants", "bees"}, func(sd *checkpoint.StateDict) {
			head, _ := sd.Get("fc.weight")
			binary.LittleEndian.PutUint32(head.Data, math.Float32bits(float32(math.NaN())))
		}, false, "has values that are NaN or infinite in its head"},
		{"no head", []string{"ants", "bees"}, func(sd *checkpoint.StateDict) {
			sd.Tensors = slices.DeleteFunc(sd.Tensors, func(t checkpoint.Tensor) bool { return strings.HasPrefix(t.Name, "fc.") })
		}, false, "has no fc.weight and fc.bias"},
	} {
		for _, freeze := range []bool{false, true} {
			var log strings.Builder
			if err := untrained.Write(file, 1, test.change); err != nil {
				t.Fatal(err)
			}
			sd, err := checkpoint.Read(file)
			if err != nil {
				t.Fatal(err)
			}
			want, _ := sd.Get("fc.weight")
			o := DefaultOptions()
			o.Model, o.Weights, o.Freeze = "resnet18", file, freeze
			err = torch.Do(t.Context(), func(s *torch.Scope) error {
				model, err := newNetwork(s, o, sd, test.classes, slog.New(slog.NewTextHandler(&log, nil)))
				if err != nil {
					return err
				}
				got, _ := nn.Export(model).Get("fc.weight")
				if kept := bytes.Equal(got.Data, want.Data); kept != test.keeps || got.Shape[0] != int64(len(test.classes)) {
					t.Errorf("%s: kept %v, want %v; the head has the shape %v", test.name, kept, test.keeps, got.Shape)
				}
				if n := len(nn.Trainable(model)); freeze != (n == 2) {
					t.Errorf("%s, frozen %v: %d tensors are trained", test.name, freeze, n)
				}
				return nil
			})
			if err != nil {
				t.Errorf("%s: %v", test.name, err)
			}
			if !strings.Contains(log.String(), test.logged) || test.logged == "" && strings.Contains(log.String(), "head") {
				t.Errorf("%s: logged %q, want %q", test.name, &log, test.logged)
			}
		}
	}
}

// The recipe auto keeps the head of a run's weights too.
func TestRecipeKeepsTheHeadOfARun(t *testing.T) {
	o := DemoOptions()
	dir := t.TempDir()
	o.Data, o.Out, o.Weights = filepath.Join(dir, "images"), filepath.Join(dir, "run"), filepath.Join(dir, "best.safetensors")
	if err := untrained.Write(o.Weights, 1, nil); err != nil {
		t.Fatal(err)
	}
	if err := synth.Write(o.Data, synth.Config{Train: 4, Val: 1, MinSide: 40, MaxSide: 60}); err != nil {
		t.Fatal(err)
	}
	o.Model, o.Epochs, o.BatchSize, o.ImageSize, o.Threads, o.Workers, o.Recipe = "resnet18", 1, 4, 32, 1, 0, "auto"
	var log strings.Builder
	if _, err := Train(t.Context(), o, Hooks{Log: slog.New(slog.NewTextHandler(&log, nil))}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "the head stays, because the classes are the same") {
		t.Errorf("logged %q", &log)
	}
}
