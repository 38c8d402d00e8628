package dataset

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"hymenoptera/internal/regular"
)

// LeftOut counts the files of a folder that are not pictures, by the reason: an ending such as ".gif", or the kind of
// folder.
type LeftOut map[string]int

// Reasons other than endings.
const (
	noEnding     = "without an ending"
	hiddenFolder = "in hidden folders"
	macOSFolder  = "in __MACOSX folders"
	macOSFile    = "macOS resource files (._*)"
	noClass      = "beside the class folders"
)

// String lists the counts, the most frequent first: "12 .gif, 3 .heic".
func (l LeftOut) String() string {
	reasons := slices.SortedFunc(maps.Keys(l), func(a, b string) int {
		return cmp.Or(cmp.Compare(l[b], l[a]), strings.Compare(a, b))
	})
	const most = 8
	var list []string
	for i, reason := range reasons {
		if i == most {
			list = append(list, fmt.Sprintf("and %d more kinds", len(reasons)-most))
			break
		}
		list = append(list, fmt.Sprintf("%d %s", l[reason], reason))
	}
	return strings.Join(list, ", ")
}

// Add adds the counts of another.
func (l LeftOut) Add(other LeftOut) {
	for reason, n := range other {
		l[reason] += n
	}
}

// file counts a file whose name is not a picture's. It ignores files that operating systems hide in every folder.
func (l LeftOut) file(name string) {
	switch ending := strings.ToLower(filepath.Ext(name)); {
	case strings.HasPrefix(name, "._") && IsImage(name):
		l[macOSFile]++
	case strings.HasPrefix(name, "."), strings.EqualFold(name, "thumbs.db"), strings.EqualFold(name, "desktop.ini"):
	case ending == "", len(ending) > 12:
		l[noEnding]++
	default:
		l[ending]++
	}
}

// skippedFolder returns the reason to leave a folder out, or "". Tools and operating systems put copies and previews of
// pictures into such folders as .ipynb_checkpoints.
func skippedFolder(name string) string {
	switch {
	case strings.HasPrefix(name, "."):
		return hiddenFolder
	case name == "__MACOSX":
		return macOSFolder
	}
	return ""
}

// folder counts the pictures in a folder that is left out.
func (l LeftOut) folder(path, reason string) {
	n := 0
	filepath.WalkDir(path, func(_ string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && IsImage(e.Name()) {
			n++
		}
		return nil
	})
	if n > 0 {
		l[reason] += n
	}
}

// isPicture reports whether a folder's entry counts as a picture by its name.
func isPicture(e fs.DirEntry) bool { return IsImage(e.Name()) && !strings.HasPrefix(e.Name(), "._") }

// CountPictures counts the pictures at paths, files or folders, and the files in these folders that are not pictures.
func CountPictures(paths []string) (n int, left LeftOut) {
	left = LeftOut{}
	for _, path := range paths {
		if !regular.IsFolder(path) {
			n++
			continue
		}
		for range PicturePaths(path, left) {
			n++
		}
	}
	return n, left
}
