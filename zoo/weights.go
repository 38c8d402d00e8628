package zoo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hymenoptera/hub"
	"hymenoptera/transforms"
)

// Weights are published weights of a network.
type Weights struct {
	Name   string               // torchvision's, IMAGENET1K_V1 for example
	URL    string               // their address
	SHA256 string               // their hash, or the first 8 digits of it
	Size   int64                // in bytes; 0 if unknown
	Eval   transforms.Transform // torchvision's evaluation of them
}

// FileName returns the name of w's file in PyTorch's cache.
func (w Weights) FileName() string { return w.URL[strings.LastIndexByte(w.URL, '/')+1:] }

// File returns the file to download with hub.Fetch.
func (w Weights) File() hub.File { return hub.File{URL: w.URL, SHA256: w.SHA256, Size: w.Size} }

// CachePath returns the path of w in PyTorch's cache.
func (w Weights) CachePath() (string, error) {
	dir, err := hub.CheckpointDir(os.Getenv)
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, w.FileName()), nil
}

// Fetch downloads w to CachePath, unless the file exists, and returns the path.
func (w Weights) Fetch(ctx context.Context, cfg hub.Config) (path string, err error) {
	if path, err = w.CachePath(); err != nil {
		return "", err
	}
	cfg.MaxBytes = 1 << 29 // the largest has 242 MB
	_, err = hub.Fetch(ctx, cfg, w.File(), path)
	return path, err
}

// v1 are the weights of torchvision's first recipe, v2 those of its second, which were evaluated on images
// that were resized to 232 pixels before the crop of 224. The addresses are those of torchvision 0.26.0.
func v1(file string) Weights { return imageNet("IMAGENET1K_V1", file, 256) }
func v2(file string) Weights { return imageNet("IMAGENET1K_V2", file, 232) }

func imageNet(name, file string, resize int) Weights {
	eval := transforms.Eval(224)
	eval.Short = resize
	w := Weights{Name: name, URL: "https://download.pytorch.org/models/" + file, SHA256: hub.HashPrefix(file), Eval: eval}
	if p, ok := pins[file]; ok {
		w.SHA256, w.Size = p.sha256, p.size
	}
	return w
}

// pins has the whole hashes of files on which at least three independent public projects agree. PyTorch publishes
// only 8 digits, for which anybody can forge a file in minutes. For resnet101 (both), resnet152's IMAGENET1K_V2 and
// googlenet fewer projects publish the whole hash, so these have only the 8 digits. A size is given if at least three
// projects agree on it.
var pins = map[string]struct {
	sha256 string
	size   int64
}{
	"resnet18-f37072fd.pth":  {"f37072fd47e89c5e827621c5baffa7500819f7896bbacec160b1a16c560e07ec", 46_830_571},
	"resnet34-b627a593.pth":  {"b627a593bcbe140c234610266fe4f8ae95ea42fc881d091c9b6052e6b1d0590f", 87_319_819},
	"resnet50-0676ba61.pth":  {"0676ba61b6795bbe1773cffd859882e5e297624d384b6993f7c9e683e722fb8a", 102_530_333},
	"resnet50-11ad3fa6.pth":  {"11ad3fa62ca79e40addfd354a8ec4b7c75143b3038b8d2a807fbc68deab379ca", 102_540_417},
	"resnet152-394f9c45.pth": {"394f9c45966e3651a89bbb78a48410a6755854ce4a5ab64927cf1c7247f85e58", 0},
}

// DefaultWeights is torchvision's name for the best weights of a network.
const DefaultWeights = "DEFAULT"

// IsWeightsName reports whether published weights of some network have this name.
func IsWeightsName(name string) bool {
	return name == DefaultWeights || slices.ContainsFunc(registry, func(a Arch) bool {
		return slices.ContainsFunc(a.Weights, func(w Weights) bool { return w.Name == name })
	})
}

// Preprocessing returns the validation transform for a training from weights on images of the given size. weights is a
// published name or a file. For published weights, recognised by either name, the transform is torchvision's, otherwise the
// notebook's.
func (a Arch) Preprocessing(weights string, size int) transforms.Transform {
	tf := transforms.Eval(size)
	for _, w := range a.Weights {
		if published, err := a.FindWeights(weights); err == nil && published == w || filepath.Base(weights) == w.FileName() {
			tf.Short = size * w.Eval.Short / w.Eval.Size
		}
	}
	return tf
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
