package main

import (
	"fmt"
	"runtime/debug"

	"hymenoptera/torch"
)

// version is this program's own.
const version = "0.1.0"

// versions returns the program's version, gotch's and libtorch's.
func versions() string {
	own := version // scripts/dist.sh reads it as the second word
	if c := commit(); c != "" {
		own += " (commit " + c + ")"
	}
	return fmt.Sprintf("hymenoptera %s\ngotch       %s\nlibtorch    %s", own, gotchVersion(), torch.Version())
}

// commit returns the commit that the program was built from, or "" where the build did not know it.
func commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return commitOf(info.Settings)
}

// commitOf returns the commit in the settings of a build, as Go's own versions write it: +dirty says that files had
// changed since. The build of an archive has none.
func commitOf(settings []debug.BuildSetting) string {
	revision, dirty := "", ""
	for _, s := range settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+dirty"
		}
	}
	if revision == "" {
		return ""
	}
	return revision + dirty
}

func gotchVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == "github.com/sugarme/gotch" {
				return m.Version[1:]
			}
		}
	}
	return "unknown"
}
