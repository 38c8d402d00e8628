package layering

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every line that make faults spoils exists exactly once.
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

// docs/parity.md says how many trainings there are, and which test catches each fault.
func TestParityCountsItsTrainings(t *testing.T) {
	page, err := os.ReadFile("../../docs/parity.md")
	if err != nil {
		t.Fatal(err)
	}
	var curves struct{ Runs []any }
	var faults []any
	for file, into := range map[string]any{"cmd/hymenoptera/testdata/curves.json": &curves, "scripts/faults.json": &faults} {
		data, err := os.ReadFile(filepath.Join("../..", file))
		if err == nil {
			err = json.Unmarshal(data, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{fmt.Sprintf("%d small trainings", len(curves.Runs)), fmt.Sprintf("the curves: %d trainings", len(curves.Runs))} {
		if !strings.Contains(string(page), want) {
			t.Errorf("docs/parity.md does not say %q", want)
		}
	}
	_, table, _ := strings.Cut(string(page), "| fault | caught by | curves |\n|---|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	if got := strings.Count(table, "\n") + 1; got != len(faults) {
		t.Errorf("docs/parity.md has %d faults, want %d", got, len(faults))
	}
}
