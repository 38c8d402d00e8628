package dataset

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"hymenoptera/internal/regular"
	"hymenoptera/internal/text"
)

// A Sample is one file of an ImageFolder.
type Sample struct {
	Path  string // the folder's root included
	Label int    // index into Classes

	// The place in a shard. A sample that is a file of its own has none.
	shard        *Shard
	offset, size int64
}

// An ImageFolder is a set of pictures, with one folder per class, as in torchvision's ImageFolder. Unlike torchvision it
// leaves out hidden folders and those of macOS's archives.
type ImageFolder struct {
	Root    string
	Classes []string // the names of the folders, sorted
	Samples []Sample // sorted by class, then by folder and file name, byte by byte
	LeftOut LeftOut  // files that are not pictures
}

// suffixes returns torchvision's IMG_EXTENSIONS. Only the content determines the format of a file.
func suffixes() []string {
	return []string{".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp"}
}

// IsImage reports whether ImageFolder accepts a file with that name.
func IsImage(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(suffixes(), func(s string) bool { return strings.HasSuffix(name, s) })
}

// NewImageFolder lists the pictures under root: root/<class>/…/<file>. It opens none of them. A root
// without class folders is an error, and so is a class without pictures.
func NewImageFolder(root string) (*ImageFolder, error) { return newImageFolder(root, nil) }

// newImageFolder lists some of the classes, or all.
func newImageFolder(root string, classes []string) (*ImageFolder, error) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, fmt.Errorf("dataset: %w", missing(root, err))
	}
	f := &ImageFolder{Root: root, LeftOut: LeftOut{}}
	for _, e := range entries {
		switch isFolder, reason := isDir(filepath.Join(root, e.Name()), e), skippedFolder(e.Name()); {
		case isFolder && reason != "":
			f.LeftOut.folder(filepath.Join(root, e.Name()), reason)
		case isFolder:
			f.Classes = append(f.Classes, e.Name())
		case isPicture(e):
			f.LeftOut[noClass]++
		default:
			f.LeftOut.file(e.Name())
		}
	}
	if len(f.Classes) == 0 {
		return nil, fmt.Errorf("dataset: %s has no class folders: want one folder of pictures a class, found %s", root, found(entries))
	}
	if classes != nil {
		if unknown := without(classes, f.Classes); len(unknown) > 0 {
			return nil, fmt.Errorf("dataset: %s has no class folder %s: found %s", root, unknown[0], found(entries))
		}
		f.Classes = slices.Clone(classes)
	}
	slices.Sort(f.Classes)
	if err := checkNames(f.Classes); err != nil {
		return nil, fmt.Errorf("dataset: %s: %w", root, err)
	}
	for label, class := range f.Classes {
		before := len(f.Samples)
		dir := filepath.Join(root, class)
		if err := f.add(dir, label); err != nil {
			return nil, fmt.Errorf("dataset: class %s: %w", class, err)
		}
		if len(f.Samples) == before {
			inside, _ := os.ReadDir(dir)
			return nil, fmt.Errorf("dataset: class %s: no pictures in %s: want files that end in %s, found %s",
				class, dir, strings.Join(suffixes(), " "), found(inside))
		}
	}
	return f, nil
}

// Only returns the pictures of some of the classes.
func (f *ImageFolder) Only(classes []string) (*ImageFolder, error) {
	if unknown := without(classes, f.Classes); len(unknown) > 0 {
		return nil, fmt.Errorf("dataset: %s has no class %s: it has %s", f.Root, unknown[0], firstFew(f.Classes))
	}
	out := &ImageFolder{Root: f.Root, Classes: slices.Clone(classes), LeftOut: f.LeftOut}
	slices.Sort(out.Classes)
	for _, s := range f.Samples {
		if label := slices.Index(out.Classes, f.Classes[s.Label]); label >= 0 {
			s.Label = label
			out.Samples = append(out.Samples, s)
		}
	}
	return out, nil
}

// add appends the pictures under dir.
func (f *ImageFolder) add(dir string, label int) error {
	for path, err := range PicturePaths(dir, f.LeftOut) {
		if err != nil {
			return err
		}
		f.Samples = append(f.Samples, Sample{Path: path, Label: label})
	}
	return nil
}

// PicturePaths yields the files under dir, at any depth, whose names are those of pictures: sorted by folder, then by name,
// byte by byte. It opens none of them. A folder that cannot be listed yields an error, and the iteration continues. If left
// is not nil, PicturePaths counts in it the files that it leaves out.
func PicturePaths(dir string, left LeftOut) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if left == nil {
			left = LeftOut{}
		}
		dirs, errs := subdirs(nil, nil, dir, nil, left)
		for _, err := range errs {
			if !yield("", err) {
				return
			}
		}
		slices.Sort(dirs)
		for _, d := range dirs {
			entries, err := os.ReadDir(d) // sorted by name
			if err != nil && !yield("", err) {
				return
			}
			for _, e := range entries {
				path := filepath.Join(d, e.Name())
				switch {
				case isDir(path, e):
				case !isPicture(e):
					left.file(e.Name())
				case !yield(path, nil):
					return
				}
			}
		}
	}
}

// subdirs appends dir and all folders under it, through links too, and errors for those that cannot be used. above are the
// folders that contain dir.
func subdirs(list []string, errs []error, dir string, above []fs.FileInfo, left LeftOut) ([]string, []error) {
	info, err := os.Stat(dir)
	if err != nil {
		return list, append(errs, err)
	}
	if slices.ContainsFunc(above, func(a fs.FileInfo) bool { return os.SameFile(a, info) }) {
		return list, append(errs, fmt.Errorf("%s is a link to a folder that it lies in", dir))
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return list, append(errs, err)
	}
	list = append(list, dir)
	above = append(above, info)
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if !isDir(path, e) {
			continue
		}
		if reason := skippedFolder(e.Name()); reason != "" {
			left.folder(path, reason)
			continue
		}
		list, errs = subdirs(list, errs, path, above, left)
	}
	return list, errs
}

// isDir reports whether a folder's entry is a folder or a link to one.
func isDir(path string, e fs.DirEntry) bool {
	if e.Type()&fs.ModeSymlink == 0 {
		return e.IsDir()
	}
	return regular.IsFolder(path)
}

// missing adds to the error for an unreadable path the entries of the folder that exists.
func missing(path string, err error) error {
	if errors.Is(err, syscall.ENOTDIR) {
		return fmt.Errorf("%s is a file: want a folder", path)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, lerr := os.Lstat(path); lerr == nil {
		return fmt.Errorf("%s is a link to a file that does not exist", path)
	}
	parent := filepath.Dir(filepath.Clean(path))
	entries, perr := os.ReadDir(parent)
	if perr != nil {
		return fmt.Errorf("no folder %s (nor %s)", path, parent)
	}
	return fmt.Errorf("no folder %s: found %s in %s", path, found(entries), parent)
}

// found lists the first few entries of a folder.
func found(entries []fs.DirEntry) string {
	var names []string
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() {
			name += "/"
		}
		names = append(names, name)
	}
	return firstFew(names)
}

// firstFew lists the first of many names.
func firstFew(names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	return text.Few(names, 5)
}

// without returns those of all that are not in others.
func without(all, others []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(name string) bool { return slices.Contains(others, name) })
}
