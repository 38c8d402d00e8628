// Package check looks for what is wrong with a folder of classified pictures: files that cannot be read, copies of a picture
// under two classes or on both sides of the split, bursts, odd sizes.
//
//	o := check.DefaultOptions()
//	o.Data = "my_pictures" // with train/<class>/ and val/<class>/, or <class>/
//	r, err := check.Run(ctx, o, check.Hooks{})
//	for _, g := range r.Copies { … }
//
// It reads every picture once, keeps a few kilobytes of each, and changes nothing.
package check

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"hymenoptera/dataset"
	"hymenoptera/internal/background"
	"hymenoptera/internal/regular"
)

// Options say what to check. Begin with [DefaultOptions].
type Options struct {
	Data    string // folder with train/<class>/ and val/<class>/, or <class>/
	Workers int    // goroutines
	// Probe, if not nil, returns the probabilities of every picture of a folder, for each class, by a network that was not
	// trained with the pictures of its fold. The check then looks for wrong labels, if there are two classes and two folds.
	Probe func(ctx context.Context, folder *dataset.ImageFolder, fold []int) ([][]float64, error)
}

// DefaultOptions returns the options for a machine's processors.
func DefaultOptions() Options { return Options{Workers: runtime.GOMAXPROCS(0)} }

// Hooks are called during a check, one at a time. A nil hook is not called.
type Hooks struct {
	Read    func(done, n int) // pictures
	Compare func(done, n int) // pictures, each with all the others
}

// A Report is what a check found. Paths are relative to Data, with slashes.
type Report struct {
	Data       string          `json:"data"`
	Classes    []string        `json:"classes"`
	Sets       []Set           `json:"sets"`
	OnlyIn     []Missing       `json:"only_in,omitempty"` // classes that only one of two sets has
	Unreadable []Unreadable    `json:"unreadable,omitempty"`
	LeftOut    dataset.LeftOut `json:"left_out,omitempty"` // files that are not pictures, by reason
	Hidden     []string        `json:"hidden,omitempty"`   // folders that the check ignores
	Rotated    []string        `json:"rotated,omitempty"`  // pictures that are turned by their EXIF data
	Sizes      []OddSize       `json:"odd_sizes,omitempty"`
	Grey       []Grey          `json:"grey,omitempty"`
	Copies     []Group         `json:"copies,omitempty"`
	Bursts     []Group         `json:"bursts,omitempty"` // that lie on both sides of the split
	Labels     *Labels         `json:"labels,omitempty"` // with Options.Probe
	Seconds    float64         `json:"seconds"`
}

// A Set is one of the two sets, or the only one.
type Set struct {
	Name   string `json:"name"` // train, val or ""
	Counts []int  `json:"counts"`
}

// A Missing is a class that only one set has.
type Missing struct {
	Class string `json:"class"`
	Set   string `json:"set"`
}

// An Unreadable is a picture that cannot be decoded.
type Unreadable struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// Pictures returns the number of pictures of all sets.
func (r *Report) Pictures() (n int) {
	for _, s := range r.Sets {
		for _, k := range s.Counts {
			n += k
		}
	}
	return n
}

// Run checks a folder. It keeps a few kilobytes of each picture.
func Run(ctx context.Context, o Options, h Hooks) (*Report, error) {
	start := time.Now()
	folders, names, err := open(o.Data)
	if err != nil {
		return nil, err
	}
	r := &Report{Data: o.Data, LeftOut: dataset.LeftOut{}, Hidden: hidden(o.Data, folders)}
	s := newSet(folders, names, o.Data)
	r.Classes, r.Sets, r.OnlyIn = s.classes, s.sets(), s.onlyIn(folders, names)
	for _, f := range folders {
		r.LeftOut.Add(f.LeftOut)
	}
	if err := s.read(ctx, o.Workers, h.Read); err != nil {
		return nil, err
	}
	links, err := s.copies(ctx, o.Workers, h.Compare)
	if err != nil {
		return nil, err
	}
	for i, p := range s.pictures {
		if p.err != nil {
			r.Unreadable = append(r.Unreadable, Unreadable{s.files[i].path, reason(p.err)})
		}
		if p.rotated {
			r.Rotated = append(r.Rotated, s.files[i].path)
		}
	}
	r.Sizes, r.Grey = s.oddSizes(), s.grey()
	bursts := s.bursts(links)
	r.Copies = s.groups(links, func(l link) float64 { return l.same })
	r.Bursts = slices.DeleteFunc(s.groups(bursts, func(l link) float64 { return l.thumb }), func(g Group) bool { return !g.Leak })
	for _, g := range r.Copies {
		g.leaveOutCopies()
	}
	for _, g := range r.Bursts {
		g.leaveOutTrain()
	}
	if o.Probe != nil {
		folder, indices := s.readable()
		fold := s.divide(indices, s.joined(append(links, bursts...)))
		if len(s.classes) > 1 && slices.ContainsFunc(fold, func(k int) bool { return k > 0 }) {
			probs, err := o.Probe(ctx, folder, fold)
			if err != nil {
				return nil, err
			}
			r.Labels = s.labels(indices, probs)
		}
	}
	r.Seconds = time.Since(start).Seconds()
	return r, nil
}

// Together returns groups of samples, as indices, that should stay on one side of a split: copies of each other, or pictures
// of a burst. It reads every picture; workers is the number of goroutines.
func Together(ctx context.Context, folder *dataset.ImageFolder, workers int) ([][]int, error) {
	s := newSet([]*dataset.ImageFolder{folder}, []string{""}, folder.Root)
	if err := s.read(ctx, workers, nil); err != nil {
		return nil, err
	}
	links, err := s.copies(ctx, workers, nil)
	if err != nil {
		return nil, err
	}
	return s.joined(append(links, s.bursts(links)...)).groups(), nil
}

// reason returns the text of an error without the path.
func reason(err error) string {
	if p, ok := err.(*fs.PathError); ok {
		return fmt.Sprintf("cannot %s it: %v", p.Op, p.Err)
	}
	return err.Error()
}

// open lists the sets of a folder: train and val, only train, or a set of the class folders in it.
func open(data string) (folders []*dataset.ImageFolder, names []string, err error) {
	for _, name := range []string{"train", "val"} {
		if regular.IsFolder(filepath.Join(data, name)) {
			names = append(names, name)
		}
	}
	switch {
	case len(names) == 0:
		names = []string{""}
	case names[0] == "val":
		return nil, nil, fmt.Errorf("check: %s has a folder val, but no folder train", data)
	}
	for _, name := range names {
		f, err := dataset.NewImageFolder(filepath.Join(data, name))
		if err != nil {
			return nil, nil, err
		}
		folders = append(folders, f)
	}
	return folders, names, nil
}

// hidden lists the folders that hold pictures but are left out, below the folders and their classes, which may be links.
func hidden(data string, folders []*dataset.ImageFolder) (found []string) {
	var roots []string
	for _, f := range folders {
		roots = append(roots, f.Root)
		for _, class := range f.Classes {
			roots = append(roots, filepath.Join(f.Root, class))
		}
	}
	for _, root := range roots {
		filepath.WalkDir(root+string(filepath.Separator), func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || !dataset.IsImage(e.Name()) {
				return nil
			}
			parts := strings.Split(relative(data, path), "/")
			for i, part := range parts[:len(parts)-1] {
				if strings.HasPrefix(part, ".") || part == "__MACOSX" {
					if dir := strings.Join(parts[:i+1], "/"); !slices.Contains(found, dir) {
						found = append(found, dir)
					}
					break
				}
			}
			return nil
		})
	}
	return found
}

// relative returns a path below data, with slashes.
func relative(data, path string) string {
	rel, err := filepath.Rel(data, path)
	if err != nil {
		return path
	}
	return filepath.ToSlash(rel)
}

// A file is a picture in one of the sets.
type file struct {
	path       string // relative to the folder, with slashes
	set, class int
}

// A set holds the pictures of a check.
type set struct {
	data     string
	names    []string // of the sets
	classes  []string
	files    []file
	pictures []picture // what is kept of each file
}

// newSet joins the folders, whose classes may differ.
func newSet(folders []*dataset.ImageFolder, names []string, data string) *set {
	s := &set{data: data, names: names}
	for _, f := range folders {
		s.classes = append(s.classes, f.Classes...)
	}
	slices.Sort(s.classes)
	s.classes = slices.Compact(s.classes)
	for i, f := range folders {
		for _, sample := range f.Samples {
			class, _ := slices.BinarySearch(s.classes, f.Classes[sample.Label])
			s.files = append(s.files, file{relative(data, sample.Path), i, class})
		}
	}
	return s
}

func (s *set) onlyIn(folders []*dataset.ImageFolder, names []string) (missing []Missing) {
	if len(folders) < 2 {
		return nil
	}
	for i, f := range folders {
		for _, class := range f.Classes {
			if !slices.Contains(folders[1-i].Classes, class) {
				missing = append(missing, Missing{class, names[i]})
			}
		}
	}
	return missing
}

// sets counts the pictures of each set and class.
func (s *set) sets() (sets []Set) {
	for _, name := range s.names {
		sets = append(sets, Set{name, make([]int, len(s.classes))})
	}
	for _, f := range s.files {
		sets[f.set].Counts[f.class]++
	}
	return sets
}

// full returns the path of a file.
func (s *set) full(i int) string { return filepath.Join(s.data, filepath.FromSlash(s.files[i].path)) }

// read reads every picture.
func (s *set) read(ctx context.Context, workers int, progress func(done, n int)) error {
	s.pictures = make([]picture, len(s.files))
	return inParallel(ctx, workers, len(s.files), progress, func() func(i int) error {
		l := newLooker()
		return func(i int) error {
			s.pictures[i] = l.look(s.full(i))
			return nil
		}
	})
}

// inParallel is background.InParallel with progress, which may be nil and is called from one goroutine at a time.
func inParallel(ctx context.Context, workers, n int, progress func(done, n int), worker func() func(i int) error) error {
	var mu sync.Mutex
	done := 0
	return background.InParallel(ctx, min(workers, n), n, func(context.Context) func(int) error {
		f := worker()
		return func(i int) error {
			if err := f(i); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			if done++; progress != nil {
				progress(done, n)
			}
			return nil
		}
	})
}
