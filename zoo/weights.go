package zoo

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"hymenoptera/hub"
	"hymenoptera/transforms"
)

// Weights are published weights of a network.
type Weights struct {
	Name   string               // torchvision's, IMAGENET1K_V1 for example
	URL    string               // their address
	SHA256 string               // the first digits of their hash
	Eval   transforms.Transform // what they were evaluated with
}

// imageNetNames holds the names of ImageNet's classes in the order of the published heads, a line each: those
// that torchvision 0.26.0 gives (BSD-3-Clause, © 2016 Soumith Chintala).
//
//go:embed imagenet1k.txt
var imageNetNames string

// Classes returns the names of the classes that the weights' head tells apart.
func (w Weights) Classes() []string { return strings.Split(strings.TrimSpace(imageNetNames), "\n") }

// FileName returns the name that PyTorch's cache has for them.
func (w Weights) FileName() string { return w.URL[strings.LastIndexByte(w.URL, '/')+1:] }

// File returns what hub.Fetch fetches.
func (w Weights) File() hub.File { return hub.File{URL: w.URL, SHA256: w.SHA256} }

// v1 are the weights of torchvision's first recipe, v2 those of its second, which were evaluated on images
// that were resized to 232 pixels before the crop of 224. The addresses are those of torchvision 0.26.0.
func v1(file string) Weights { return imageNet("IMAGENET1K_V1", file, 256) }
func v2(file string) Weights { return imageNet("IMAGENET1K_V2", file, 232) }

func imageNet(name, file string, resize int) Weights {
	eval := transforms.Eval(224)
	eval.Short = resize
	return Weights{name, "https://download.pytorch.org/models/" + file, hub.HashPrefix(file), eval}
}

// DefaultWeights is torchvision's name for the best weights of a network.
const DefaultWeights = "DEFAULT"

// IsWeightsName says whether published weights of some network have this name.
func IsWeightsName(name string) bool {
	return name == DefaultWeights || slices.ContainsFunc(registry, func(a Arch) bool {
		return slices.ContainsFunc(a.Weights, func(w Weights) bool { return w.Name == name })
	})
}

// FindWeights returns the published weights with a name, or the best for DefaultWeights.
func (a Arch) FindWeights(name string) (Weights, error) {
	names := make([]string, len(a.Weights))
	for i, w := range a.Weights {
		if w.Name == name || name == DefaultWeights && i == len(a.Weights)-1 {
			return w, nil
		}
		names[i] = w.Name
	}
	return Weights{}, fmt.Errorf("no weights %s of %s are published: want one of %s", name, a.Name, strings.Join(append(names, DefaultWeights), ", "))
}
