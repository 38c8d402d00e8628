package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hymenoptera/run"
)

func TestHardlyBegun(t *testing.T) {
	for _, tt := range []struct {
		epochs  int
		seconds float64 // of each epoch
		ended   bool
		want    bool
	}{
		{0, 0, false, true},
		{1, 1000, false, true},
		{3, 0.01, false, true},
		{3, 1000, false, false},
		{1, 1, true, false},
	} {
		var history strings.Builder
		for epoch := range tt.epochs {
			for _, phase := range []string{"train", "val"} {
				fmt.Fprintf(&history, `{"epoch":%d,"phase":%q,"loss":1,"acc":0.5,"corrects":1,"n":2,"lr":0.1,"seconds":%v,"wait":0}`+"\n", epoch, phase, tt.seconds/2)
			}
		}
		dir := t.TempDir()
		if tt.epochs > 0 {
			write(t, filepath.Join(dir, run.HistoryFile), history.String())
		}
		if tt.ended {
			try(t, os.WriteFile(filepath.Join(dir, run.ResultFile), []byte(`{"best":{"epoch":0,"phase":"val","n":2}}`), 0o666))
		}
		if got := hardlyBegun(dir); got != tt.want {
			t.Errorf("%d epochs of %v seconds, ended %v: got %v", tt.epochs, tt.seconds, tt.ended, got)
		}
	}
}
