package zoo

import (
	"fmt"
	"strings"

	"hymenoptera/checkpoint"
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
)

// An Arch is a kind of network, such as resnet18.
type Arch struct {
	Name    string    // torchvision's
	Weights []Weights // published ones, the best last
	// New returns the network with random weights, drawn from the default generator in torchvision's order.
	New      func(s *torch.Scope, classes int64) Network
	features int64 // number of features that the head takes
	// LastSize returns the side of the last feature map, in pixels, for pictures with sides of size pixels.
	LastSize func(size int) int
	// load builds the network for a state dict and loads it.
	load func(s *torch.Scope, classes int64, sd *checkpoint.StateDict) (Network, error)
}

// registry is the one table of networks.
var registry = []Arch{
	resNet("resnet18", [4]int{2, 2, 2, 2}, false, v1("resnet18-f37072fd.pth")),
	resNet("resnet34", [4]int{3, 4, 6, 3}, false, v1("resnet34-b627a593.pth")),
	resNet("resnet50", [4]int{3, 4, 6, 3}, true, v1("resnet50-0676ba61.pth"), v2("resnet50-11ad3fa6.pth")),
	resNet("resnet101", [4]int{3, 4, 23, 3}, true, v1("resnet101-63fe2227.pth"), v2("resnet101-cd907fc2.pth")),
	resNet("resnet152", [4]int{3, 8, 36, 3}, true, v1("resnet152-394f9c45.pth"), v2("resnet152-f82ba261.pth")),
	{
		Name:     "googlenet",
		Weights:  []Weights{v1("googlenet-1378be20.pth")},
		New:      func(s *torch.Scope, classes int64) Network { return newGoogLeNet(s, classes) },
		features: 1024,
		LastSize: lastGoogLeNet,
		load:     loadGoogLeNet,
	},
}

func resNet(name string, depths [4]int, bottleneck bool, weights ...Weights) Arch {
	build := func(s *torch.Scope, classes int64) Network { return newResNet(s, depths, bottleneck, classes) }
	load := func(s *torch.Scope, classes int64, sd *checkpoint.StateDict) (Network, error) {
		net := build(s, classes)
		return net, nn.LoadStateDict(net, sd)
	}
	features := int64(512)
	if bottleneck {
		features = 2048
	}
	return Arch{Name: name, Weights: weights, New: build, features: features, LastSize: lastResNet, load: load}
}

// Load returns the network with the weights of sd, strictly: every key must be there, and no other, and every value
// must be finite. The head has as many classes as the file's.
func (a Arch) Load(s *torch.Scope, sd *checkpoint.StateDict) (Network, error) {
	net, err := a.loadStrictly(s, sd)
	if err != nil {
		return nil, err
	}
	if err := sd.CheckFinite(); err != nil {
		return nil, err
	}
	return net, nil
}

func (a Arch) loadStrictly(s *torch.Scope, sd *checkpoint.StateDict) (Network, error) {
	classes := int64(imageNetClasses)
	if w, ok := sd.Get("fc.weight"); ok && len(w.Shape) == 2 {
		classes = w.Shape[0]
	}
	net, err := a.load(s, classes, sd)
	if err != nil {
		if other := resembles(sd); other != "" && other != a.Name {
			return nil, fmt.Errorf("not the weights of %s: they look like those of %s", a.Name, other)
		}
		return nil, fmt.Errorf("not the weights of %s: %w", a.Name, err)
	}
	return net, nil
}

// resembles returns the name of the network that has keys like those of sd, or "".
func resembles(sd *checkpoint.StateDict) string {
	has := func(key string) bool { _, ok := sd.Get(key); return ok }
	bottleneck := has("layer1.0.conv3.weight")
	switch {
	case has("inception3a.branch1.conv.weight"):
		return "googlenet"
	case bottleneck && has("layer2.7.conv1.weight"):
		return "resnet152"
	case bottleneck && has("layer3.22.conv1.weight"):
		return "resnet101"
	case bottleneck:
		return "resnet50"
	case has("layer1.2.conv1.weight"):
		return "resnet34"
	case has("layer1.0.conv1.weight"):
		return "resnet18"
	}
	return ""
}

// imageNetClasses is the width of the head that published weights come with.
const imageNetClasses = 1000

// Names returns the names of the networks.
func Names() []string {
	names := make([]string, len(registry))
	for i, a := range registry {
		names[i] = a.Name
	}
	return names
}

// Find returns the network called name.
func Find(name string) (Arch, error) {
	for _, a := range registry {
		if a.Name == name {
			return a, nil
		}
	}
	return Arch{}, fmt.Errorf("zoo: no model %q: want one of %s", name, strings.Join(Names(), ", "))
}
