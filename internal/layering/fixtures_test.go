package layering

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// outside are folders of the root that git ignores, or that hold no source.
var outside = []string{".git", "bin", "data", "dist", "runs", "vendor"}

// files returns the paths of the files below the root of the repository, with slashes.
func files(t *testing.T) (names []string) {
	t.Helper()
	err := filepath.WalkDir("../..", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ = filepath.Rel("../..", name)
		if d.IsDir() && slices.Contains(outside, name) {
			return fs.SkipDir
		}
		if !d.IsDir() {
			names = append(names, filepath.ToSlash(name))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func readRoot(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// generators returns what scripts/README.md says each generator writes: files, patterns of path.Match, and folders,
// which end with a slash.
func generators(t *testing.T) map[string][]string {
	t.Helper()
	quoted := regexp.MustCompile("`([^`]+)`")
	writes := map[string][]string{}
	for line := range strings.Lines(readRoot(t, "scripts/README.md")) {
		name, rest, _ := strings.Cut(strings.TrimPrefix(line, "| "), " | ")
		name = strings.Trim(name, "`")
		if !strings.HasPrefix(name, "make_") {
			continue
		}
		outputs, _, _ := strings.Cut(rest, " | ")
		for _, m := range quoted.FindAllStringSubmatch(outputs, -1) {
			writes[name] = append(writes[name], m[1])
		}
	}
	return writes
}

func isOutput(file, output string) bool {
	if strings.HasSuffix(output, "/") {
		return strings.HasPrefix(file, output)
	}
	ok, err := path.Match(output, file)
	return ok && err == nil
}

// Each fixture has one generator in the table of scripts/README.md, and make goldens runs all of them.
func TestFixturesHaveGenerators(t *testing.T) {
	writes, used := generators(t), map[string]bool{}
	for _, file := range files(t) {
		if !strings.Contains(file, "/testdata/") {
			continue
		}
		var by []string
		for generator, outputs := range writes {
			for _, output := range outputs {
				if isOutput(file, output) {
					by = append(by, generator)
					used[output] = true
				}
			}
		}
		if len(by) != 1 {
			t.Errorf("%s: the table of scripts/README.md has %d generators that write it, %v", file, len(by), by)
		}
	}
	makefile := readRoot(t, "Makefile")
	for generator, outputs := range writes {
		for _, output := range outputs {
			if !used[output] {
				t.Errorf("%s: no file is %s", generator, output)
			}
		}
		if !strings.Contains(makefile, generator) {
			t.Errorf("make goldens does not run %s", generator)
		}
	}
	scripts, err := filepath.Glob("../../scripts/make_*")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no generators: %v", err)
	}
	for _, script := range scripts {
		if writes[filepath.Base(script)] == nil {
			t.Errorf("%s is not in the table of scripts/README.md", script)
		}
	}
}
