package version

import (
	"runtime/debug"
	"testing"
)

func TestCommitOf(t *testing.T) {
	const revision = "649c2f6d0000000000000000000000000000abcd"
	for _, test := range []struct {
		name     string
		settings []debug.BuildSetting
		want     string
	}{
		{"an archive", []debug.BuildSetting{{Key: "CGO_ENABLED", Value: "1"}}, ""},
		{"a clone", []debug.BuildSetting{{Key: "vcs", Value: "git"}, {Key: "vcs.revision", Value: revision}, {Key: "vcs.modified", Value: "false"}}, revision},
		{"a clone with changes", []debug.BuildSetting{{Key: "vcs.revision", Value: revision}, {Key: "vcs.modified", Value: "true"}}, revision + "+dirty"},
	} {
		if got := commitOf(test.settings); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}
