package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"hymenoptera/internal/cli"
	"hymenoptera/internal/doctor"
	"hymenoptera/internal/version"
)

// doctor finds everything it should, in both forms, and says what to type about faults.
func TestDoctor(t *testing.T) {
	t.Setenv("TORCH_HOME", t.TempDir())
	dir := t.TempDir()
	before := tree(t, dir)
	_, out, stderr := command(t, "doctor", "--json", "--out", filepath.Join(dir, "runs"))
	var d doctor.Diagnosis
	if err := json.Unmarshal([]byte(out), &d); err != nil {
		t.Fatalf("%v: %s%s", err, out, stderr)
	}
	found := map[string]doctor.Finding{}
	for _, f := range d.Findings {
		found[f.Name] = f
		if f.OK != (f.Do == "") {
			t.Errorf("%+v: what is not right, and that alone, needs what to do", f)
		}
	}
	for name, part := range map[string]string{"hymenoptera": version.Own, "libtorch": "2.11.", "processor": "GB", "threads": "by default", "CUDA": "cuda",
		"pictures": "libjpeg-turbo 3, libtiff 4.", "weights cache": "free", "runs": "free", "training": "steps of a tiny network"} {
		if f, ok := found[name]; !ok || !strings.Contains(f.Value, part) {
			t.Errorf("%s: got %+v, want %q in it", name, f, part)
		}
	}
	for _, name := range []string{"libtorch", "pictures", "training"} {
		if !found[name].OK {
			t.Errorf("%+v", found[name])
		}
	}
	unchanged(t, dir, before)

	t.Setenv("TORCH_HOME", "/dev/null")
	code, out, stderr := command(t, "doctor", "--out", "/dev/null/runs")
	if code != cli.ExitFailure || !strings.Contains(stderr, "things are not right") {
		t.Errorf("exit code %d, %q", code, stderr)
	}
	for _, want := range []string{"!!  weights cache", "-> export TORCH_HOME=", "!!  runs", "-> choose a folder that can be written into with --out"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
}
