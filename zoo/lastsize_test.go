package zoo

import (
	"testing"

	"hymenoptera/torch"
)

// LastSize is the size that the networks really have: in training mode a batch of one picture works only if the last feature
// map has more than one pixel.
func TestLastSize(t *testing.T) {
	for _, name := range []string{"resnet18", "googlenet"} {
		arch, err := Find(name)
		if err != nil {
			t.Fatal(err)
		}
		var net Network
		err = torch.Do(t.Context(), func(s *torch.Scope) error {
			net = arch.New(s, 2)
			for _, size := range []int{32, 33, 40, 41, 48, 64, 65} {
				err := torch.Do(t.Context(), func(*torch.Scope) error {
					scope := s.Child()
					defer scope.Close()
					net.Forward(scope, torch.Zeros(scope, torch.Float32, torch.CPU, 1, 3, int64(size), int64(size)))
					return nil
				})
				if one := arch.LastSize(size) == 1; one != (err != nil) {
					t.Errorf("%s at %d pixels: the last feature map has a side of %d, and a batch of one gives %v", name, size, arch.LastSize(size), err)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
