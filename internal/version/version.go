// Package version has the version of this program, and the commit and the gotch that it was built from.
package version

import "runtime/debug"

// Own is the version of this module.
const Own = "0.1.0"

// Commit returns the commit that the program was built from, or "" if the build did not record it.
func Commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return commitOf(info.Settings)
}

// commitOf returns the commit in the settings of a build, as Go's own versions write it: +dirty says that files had changed
// since. A build from an archive has no commit.
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

// Gotch returns the version of gotch that the program was built with, or "unknown".
func Gotch() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == "github.com/sugarme/gotch" {
				return m.Version[1:]
			}
		}
	}
	return "unknown"
}
