package zoo_test

import (
	"slices"
	"testing"

	"hymenoptera/torch"
	"hymenoptera/torch/nn"
	"hymenoptera/zoo"
)

// The stages hold every parameter of a network once, in the order of the network, and the head comes last.
func TestStages(t *testing.T) {
	for _, name := range []string{"resnet18", "resnet50", "googlenet"} {
		err := torch.Do(t.Context(), func(s *torch.Scope) error {
			arch, err := zoo.Find(name)
			if err != nil {
				return err
			}
			net := arch.New(s, 2)
			var got []*torch.Tensor
			for _, stage := range net.Stages() {
				got = append(got, nn.Parameters(stage)...)
			}
			if want := nn.Parameters(net); !slices.Equal(got, want) {
				t.Errorf("%s: %d parameters in its stages, want the network's %d", name, len(got), len(want))
			}
			if stages := net.Stages(); stages[len(stages)-1] != nn.Module(net.Head()) {
				t.Errorf("%s: the last stage is not the head", name)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
