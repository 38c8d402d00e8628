package layering

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// After scripts/module_path.sh no package is imported by the old path, and all are found by the new one.
func TestModulePathChanges(t *testing.T) {
	dir := copyOfModule(t, "../..")
	const path = "example.com/some/one"
	if out, err := exec.Command(filepath.Join(dir, "scripts", "module_path.sh"), path).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	list := exec.Command("go", "list", "-mod=vendor", "-test", "-deps", "./...")
	list.Dir = dir
	var stderr bytes.Buffer
	list.Stderr = &stderr
	out, err := list.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, &stderr)
	}
	found := map[string]bool{}
	for _, p := range strings.Fields(string(out)) {
		found[p] = true
		if strings.HasPrefix(p, "hymenoptera/") {
			t.Errorf("%s is still imported", p)
		}
	}
	if !found[path+"/torch"] {
		t.Errorf("%s/torch is not there", path)
	}
	if out, err := exec.Command(filepath.Join(dir, "scripts", "module_path.sh"), "no path").CombinedOutput(); err == nil {
		t.Errorf("a path with a blank was taken: %s", out)
	}
}

// The folders that hold no source of this module.
var notSource = []string{".git", "bin", "data", "dist", "docs", "runs", "vendor"}

// copyOfModule copies the module's source without its tests' data, and links to the vendored modules.
func copyOfModule(t *testing.T, root string) string {
	t.Helper()
	dir := t.TempDir()
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, rel)
		switch {
		case d.IsDir() && slices.Contains(notSource, rel), d.Name() == "testdata":
			return filepath.SkipDir
		case d.IsDir():
			return os.MkdirAll(to, 0o777)
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		return os.WriteFile(to, content, info.Mode().Perm())
	})
	if err != nil {
		t.Fatal(err)
	}
	vendor, err := filepath.Abs(filepath.Join(root, "vendor"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(vendor, filepath.Join(dir, "vendor")); err != nil {
		t.Fatal(err)
	}
	return dir
}
