// Package layering tests the rules of docs/design.md about which package may import which.
package layering

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// A pkg is a package as go list describes it.
type pkg struct {
	ImportPath   string
	Standard     bool
	CgoFiles     []string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

// list runs go list -json with args in the module's root.
func list(t *testing.T, args ...string) []pkg {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Standard,CgoFiles,Imports,TestImports,XTestImports"}, args...)...)
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var pkgs []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
	if len(pkgs) == 0 {
		t.Fatal("go list found no package")
	}
	return pkgs
}

func TestOnlyTorchImportsGotch(t *testing.T) {
	found := false
	for _, p := range list(t, "./...") {
		for _, i := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			if !strings.HasPrefix(i, "github.com/sugarme/gotch") {
				continue
			}
			found = true
			if p.ImportPath != "hymenoptera/torch" || i != "github.com/sugarme/gotch/libtch" {
				t.Errorf("%s imports %s; only torch may, and libtch alone", p.ImportPath, i)
			}
		}
	}
	if !found {
		t.Error("nothing imports gotch: this test looks for the wrong name")
	}
}

// The packages that must work without a C compiler.
var pure = []string{"hub", "transforms", "checkpoint", "internal/mt19937", "internal/synth", "internal/escape", "internal/launch", "internal/machine", "internal/background", "internal/cli", "internal/disk", "internal/text", "internal/version", "metrics", "report", "run", "onnx"}

func TestPurePackagesNeedNoCgo(t *testing.T) {
	for _, name := range pure {
		for _, p := range list(t, "-deps", "./"+name) {
			if !p.Standard && len(p.CgoFiles) > 0 {
				t.Errorf("%s depends on %s, which uses cgo", name, p.ImportPath)
			}
		}
	}
}

func TestTrainerDoesNotKnowTheZoo(t *testing.T) {
	for _, p := range list(t, "-deps", "./trainer") {
		if p.ImportPath == "hymenoptera/zoo" {
			t.Error("trainer depends on zoo")
		}
	}
}
