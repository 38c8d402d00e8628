package layering

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every line that make faults spoils is there exactly once.
func TestFaultsFindTheirLines(t *testing.T) {
	data, err := os.ReadFile("../../scripts/faults.json")
	if err != nil {
		t.Fatal(err)
	}
	var faults []struct{ Name, File, Good, Bad string }
	if err := json.Unmarshal(data, &faults); err != nil {
		t.Fatal(err)
	}
	if len(faults) == 0 {
		t.Error("no faults")
	}
	for _, f := range faults {
		source, err := os.ReadFile(filepath.Join("../..", f.File))
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		if n := strings.Count(string(source), f.Good); n != 1 || f.Bad == f.Good {
			t.Errorf("%s: %s has the line to spoil %d times, want 1: %s", f.Name, f.File, n, f.Good)
		}
	}
}
