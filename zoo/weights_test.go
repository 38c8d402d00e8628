package zoo_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hymenoptera/hub"
	"hymenoptera/zoo"
)

// torchvision 0.26.0's weights of these networks: name, file, resize size.
var published = map[string][][3]any{
	"resnet18":  {{"IMAGENET1K_V1", "resnet18-f37072fd.pth", 256}},
	"resnet34":  {{"IMAGENET1K_V1", "resnet34-b627a593.pth", 256}},
	"resnet50":  {{"IMAGENET1K_V1", "resnet50-0676ba61.pth", 256}, {"IMAGENET1K_V2", "resnet50-11ad3fa6.pth", 232}},
	"resnet101": {{"IMAGENET1K_V1", "resnet101-63fe2227.pth", 256}, {"IMAGENET1K_V2", "resnet101-cd907fc2.pth", 232}},
	"resnet152": {{"IMAGENET1K_V1", "resnet152-394f9c45.pth", 256}, {"IMAGENET1K_V2", "resnet152-f82ba261.pth", 232}},
	"googlenet": {{"IMAGENET1K_V1", "googlenet-1378be20.pth", 256}},
}

// prefixOnly are the files for which too few projects publish more of the hash than the 8 digits in the name.
var prefixOnly = []string{"resnet101-63fe2227.pth", "resnet101-cd907fc2.pth", "resnet152-f82ba261.pth", "googlenet-1378be20.pth"}

// mebibytes are _file_size in torchvision's tables.
var mebibytes = map[string]string{"resnet18-f37072fd.pth": "44.661", "resnet34-b627a593.pth": "83.275",
	"resnet50-0676ba61.pth": "97.781", "resnet50-11ad3fa6.pth": "97.790"}

func TestPublishedWeights(t *testing.T) {
	for _, name := range zoo.Names() {
		arch, err := zoo.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		want := published[name]
		if len(arch.Weights) != len(want) {
			t.Fatalf("%s has %d weights, want %d", name, len(arch.Weights), len(want))
		}
		for i, w := range arch.Weights {
			if got := [3]any{w.Name, w.FileName(), w.Eval.Short}; got != want[i] {
				t.Errorf("%s: got %v, want %v", name, got, want[i])
			}
			if w.URL != "https://download.pytorch.org/models/"+w.FileName() || !strings.Contains(w.FileName(), "-"+w.SHA256[:8]+".") {
				t.Errorf("%s: address %s, hash %s", name, w.URL, w.SHA256)
			}
			if got, want := w.File().Pinned(), !slices.Contains(prefixOnly, w.FileName()); got != want || !want && len(w.SHA256) != 8 {
				t.Errorf("%s: the hash %s is whole: %v, want %v", w.FileName(), w.SHA256, got, want)
			}
			// torchvision gives sizes in MiB with three decimals.
			if mib := fmt.Sprintf("%.3f", float64(w.Size)/(1<<20)); w.Size > 0 && mib != mebibytes[w.FileName()] {
				t.Errorf("%s: %s MiB, want %s", w.FileName(), mib, mebibytes[w.FileName()])
			}
			if w.Eval.Size != 224 || w.Eval.Mean != [3]float32{0.485, 0.456, 0.406} || w.Eval.Std != [3]float32{0.229, 0.224, 0.225} {
				t.Errorf("%s: preprocessing %+v", name, w.Eval)
			}
			if err := w.Eval.Validate(); err != nil {
				t.Error(err)
			}
			if got, err := arch.FindWeights(w.Name); err != nil || got != w || !zoo.IsWeightsName(w.Name) {
				t.Errorf("%s: FindWeights(%s) = %v, %v", name, w.Name, got, err)
			}
		}
		if got, err := arch.FindWeights(zoo.DefaultWeights); err != nil || got != arch.Weights[len(want)-1] {
			t.Errorf("%s: the default is %v, %v", name, got, err)
		}
	}
	arch, _ := zoo.Find("resnet18")
	_, err := arch.FindWeights("IMAGENET1K_V2")
	if want := "no weights IMAGENET1K_V2 of resnet18 are published: want one of IMAGENET1K_V1, DEFAULT"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if zoo.IsWeightsName("resnet18-f37072fd.pth") || zoo.IsWeightsName("imagenet1k_v1") {
		t.Error("a file's name is taken for published weights")
	}
}

// Weights of torchvision's second recipe are validated with its resize; everything else with the notebook's.
func TestPreprocessing(t *testing.T) {
	for _, tt := range []struct {
		model, weights string
		size, short    int
	}{
		{"resnet18", "IMAGENET1K_V1", 224, 256},
		{"resnet50", "IMAGENET1K_V1", 48, 54},
		{"resnet50", "IMAGENET1K_V2", 224, 232},
		{"resnet50", "DEFAULT", 224, 232},
		{"resnet50", "IMAGENET1K_V2", 448, 464},
		{"resnet50", "cache/resnet50-11ad3fa6.pth", 224, 232},
		{"resnet50", "cache/resnet50-0676ba61.pth", 224, 256},
		{"resnet50", "runs/bees/best.safetensors", 224, 256},
		{"resnet50", "none", 224, 256},
	} {
		arch, err := zoo.Find(tt.model)
		if err != nil {
			t.Fatal(err)
		}
		if got := arch.Preprocessing(tt.weights, tt.size); got.Short != tt.short || got.Size != tt.size || got.Validate() != nil {
			t.Errorf("%+v: got %+v", tt, got)
		}
	}
}

// Fetch downloads weights into PyTorch's cache, and does not download a file that is there.
func TestFetchWeights(t *testing.T) {
	body := bytes.Repeat([]byte("weights "), 1000)
	sum := fmt.Sprintf("%x", sha256.Sum256(body))[:8]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	}))
	defer server.Close()
	home := t.TempDir()
	t.Setenv("TORCH_HOME", home)
	w := zoo.Weights{Name: "IMAGENET1K_V1", URL: "https://download.pytorch.org/models/net-" + sum + ".pth", SHA256: sum}
	cfg := hub.DefaultConfig()
	cfg.Mirror = server.URL
	for range 2 {
		path, err := w.Fetch(t.Context(), cfg)
		if want := filepath.Join(home, "hub", "checkpoints", "net-"+sum+".pth"); err != nil || path != want {
			t.Fatalf("path %q, error %v, want %q", path, err, want)
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, body) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		server.Close()
	}
}
