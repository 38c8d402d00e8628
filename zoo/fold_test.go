package zoo

import (
	"context"
	"math"
	"testing"

	"golang.org/x/sys/cpu"

	"hymenoptera/torch"
	"hymenoptera/torch/nn"
)

// A folded network gives the logits of the network in evaluation mode, except for rounding.
func TestFoldKeepsLogits(t *testing.T) {
	for _, name := range []string{"resnet18", "resnet50", "googlenet"} {
		for _, dtype := range []torch.DType{torch.Float32, torch.BFloat16} {
			t.Run(name+"/"+dtype.String(), func(t *testing.T) {
				if dtype == torch.BFloat16 && !cpu.X86.HasAVX512BW && !torch.MultipliesBFloat16(torch.CPU) {
					t.Skip("oneDNN packs no bfloat16 for this processor, where --fast does not ask for it")
				}
				// float32 has 24 bits, bfloat16 8, and some dozen layers round.
				tolerance := map[torch.DType]float64{torch.Float32: 1e-4, torch.BFloat16: 0.1}[dtype]
				err := torch.Do(context.Background(), func(s *torch.Scope) error {
					if _, err := torch.Init(torch.Options{Threads: 1}); err != nil {
						return err
					}
					arch, err := Find(name)
					if err != nil {
						return err
					}
					torch.ManualSeed(1)
					net := arch.New(s, 5)
					x := torch.Empty(s, torch.Float32, torch.CPU, 4, 3, 32, 32)
					torch.UniformInPlace(x, -2, 2)
					torch.NoGrad(func() {
						for range 10 {
							net.Forward(s, x) // sets the running statistics
						}
						nn.SetTraining(net, false)
						want := torch.Float32s(s, net.Forward(s, x))
						fold := net.Fold(s, dtype)
						for pass := range 2 { // the first packs the weights
							got := torch.Float32s(s, fold.Forward(s, x))
							worst, scale := 0.0, 0.0
							for i := range want {
								worst = max(worst, math.Abs(float64(got[i]-want[i])))
								scale = max(scale, math.Abs(float64(want[i])))
							}
							if !(worst <= tolerance*scale) {
								t.Errorf("pass %d: logits up to %.3g differ by up to %.3g", pass, scale, worst)
							}
							t.Logf("pass %d: logits up to %.3g differ by up to %.3g", pass, scale, worst)
						}
					})
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
			})
		}
	}
}
