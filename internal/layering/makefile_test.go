package layering

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Files that recipes of the Makefile name exist, and those that they run can be run.
func TestMakefileNamesScripts(t *testing.T) {
	makefile := readRoot(t, "Makefile")
	named := regexp.MustCompile(`[ ']((?:\./|scripts/|bench/|internal/|cmd/)[\w./-]*\w)`).FindAllStringSubmatch(makefile, -1)
	if len(named) < 20 {
		t.Fatalf("only %d names of scripts in the Makefile: this test looks for the wrong ones", len(named))
	}
	for _, m := range named {
		if _, err := os.Stat(filepath.Join("../..", m[1])); err != nil {
			t.Error(err)
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^\t@?((?:scripts|bench)/[\w./-]+)`).FindAllStringSubmatch(makefile, -1) {
		info, err := os.Stat(filepath.Join("../..", m[1]))
		if err != nil {
			t.Error(err)
		} else if info.Mode()&0o111 == 0 {
			t.Errorf("%s cannot be run: chmod +x", m[1])
		}
	}
}

// Every target that make help shows is phony, so that a file of its name does not hide it.
func TestMakefileTargetsArePhony(t *testing.T) {
	makefile := strings.ReplaceAll(readRoot(t, "Makefile"), "\\\n", " ")
	phony := strings.Fields(regexp.MustCompile(`(?m)^\.PHONY:(.*)$`).FindStringSubmatch(makefile)[1])
	var shown []string
	for _, m := range regexp.MustCompile(`(?m)^([a-z0-9-]+):.*## `).FindAllStringSubmatch(makefile, -1) {
		shown = append(shown, m[1])
	}
	slices.Sort(phony)
	slices.Sort(shown)
	if !slices.Equal(phony, shown) {
		t.Errorf(".PHONY has %v,\nmake help shows %v", phony, shown)
	}
}

func TestShellScriptsParse(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip(err)
	}
	var scripts []string
	for _, name := range files(t) {
		if strings.HasSuffix(name, ".sh") || name == ".ci/run" {
			scripts = append(scripts, name)
		}
	}
	if len(scripts) < 5 {
		t.Fatalf("only %d scripts: %v", len(scripts), scripts)
	}
	for _, name := range scripts {
		if out, err := exec.Command(bash, "-n", filepath.Join("../..", name)).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}
