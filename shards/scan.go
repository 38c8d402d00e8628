package shards

import (
	"archive/tar"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"hymenoptera/dataset"
	"hymenoptera/internal/regular"
)

// A ScanError is about a place in a shard.
type ScanError struct {
	Shard  string // its path
	Offset int64  // where a member, or its header, begins
	Err    error
}

func (e *ScanError) Error() string {
	return fmt.Sprintf("shards: %s: at offset %d: %v", e.Shard, e.Offset, e.Err)
}

func (e *ScanError) Unwrap() error { return e.Err }

// A found picture, whose class is not a number yet.
type found struct {
	dataset.Member
	key    string // the name up to the first dot
	folder string // that contains it, or ""
	class  string // of KEY.cls
	marked bool   // it has a KEY.cls
}

// scan lists the pictures of a shard. Members that are neither pictures nor classes are left out.
func scan(ctx context.Context, name string) (pictures []found, err error) {
	f, size, err := regular.Open(name)
	if err != nil {
		return nil, fmt.Errorf("shards: %w", err)
	}
	defer f.Close()
	at := int64(0)
	wrong := func(err error) error { return &ScanError{name, at, err} }
	var key, class string // of the last KEY.cls
	var marked bool
	for members := tar.NewReader(f); ; {
		h, err := members.Next()
		if err == io.EOF {
			return pictures, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			return nil, wrong(fmt.Errorf("the tar file is damaged or cut short: %w", err))
		}
		if at, err = f.Seek(0, io.SeekCurrent); err != nil {
			return nil, wrong(err)
		}
		if sparse(h) {
			return nil, wrong(fmt.Errorf("%s is a sparse file: write the shard without --sparse", h.Name))
		}
		if (h.Typeflag == tar.TypeLink || h.Typeflag == tar.TypeSymlink) && dataset.IsImage(h.Name) {
			return nil, wrong(fmt.Errorf("%s is a link: write the shard with --dereference --hard-dereference", h.Name))
		}
		if h.Typeflag != tar.TypeReg || strings.HasPrefix(path.Base(h.Name), ".") {
			continue
		}
		if at > size-h.Size {
			return nil, wrong(fmt.Errorf("the tar file is cut short: %s has %d bytes", h.Name, h.Size))
		}
		p := newFound(h, at)
		if p.key != key {
			key, class, marked = p.key, "", false
		}
		switch {
		case path.Base(h.Name) == path.Base(p.key)+".cls":
			if class, err = readClass(members, h.Size); err != nil {
				return nil, wrong(fmt.Errorf("%s: %w", h.Name, err))
			}
			marked = true
			if n := len(pictures); n > 0 && pictures[n-1].key == key {
				pictures[n-1].class, pictures[n-1].marked = class, true
			}
		case dataset.IsImage(h.Name):
			if n := len(pictures); n > 0 && pictures[n-1].key == key && (marked || pictures[n-1].marked) {
				return nil, wrong(fmt.Errorf("%s and %s are both pictures of %s: want one per key", path.Base(pictures[n-1].Name), path.Base(h.Name), key))
			}
			p.class, p.marked = class, marked
			pictures = append(pictures, p)
		}
	}
}

// sparse reports whether a file has holes, which the tar file leaves out. GNU tar marks them in four ways.
func sparse(h *tar.Header) bool {
	for record := range h.PAXRecords {
		if strings.HasPrefix(record, "GNU.sparse.") {
			return true
		}
	}
	return h.Typeflag == tar.TypeGNUSparse
}

func newFound(h *tar.Header, at int64) found {
	name := path.Clean("/" + h.Name)[1:]
	folder, base := path.Split(name)
	key, _, _ := strings.Cut(base, ".")
	p := found{Member: dataset.Member{Name: name, Offset: at, Size: h.Size}, key: name[:len(folder)+len(key)]}
	if folder != "" {
		p.folder = path.Base(folder)
	}
	return p
}

// readClass reads the content of a .cls file.
func readClass(r io.Reader, size int64) (string, error) {
	const most = 1000
	if size > most {
		return "", fmt.Errorf("%d bytes are too many for a class", size)
	}
	data, err := io.ReadAll(r)
	class := strings.TrimSpace(string(data))
	if err == nil && class == "" {
		err = errors.New("it is empty: want a class")
	}
	return class, err
}

// label numbers the classes of all pictures. Classes are the content of the .cls files or, without these, the folders.
// Numbers keep their order. If each number has its own folder, the folders are the names of the classes.
func label(shards []string, pictures [][]found) (classes []string, err error) {
	marked := slices.ContainsFunc(pictures, func(list []found) bool {
		return slices.ContainsFunc(list, func(p found) bool { return p.marked })
	})
	folder, number := map[string]string{}, map[string]string{} // folder of a class, class of a folder
	numbers, own := true, true
	for i, list := range pictures {
		for k := range list {
			p := &list[k]
			switch {
			case marked && !p.marked:
				return nil, &ScanError{shards[i], p.Offset, fmt.Errorf("%s has no class: want %s.cls beside it, as others have", p.Name, p.key)}
			case !marked && p.folder == "":
				return nil, &ScanError{shards[i], p.Offset, fmt.Errorf("%s has no class: want %s.cls beside it, or a folder per class", p.Name, p.key)}
			case !marked:
				p.class = p.folder
			}
			if n, err := strconv.Atoi(p.class); err != nil || n < 0 || strconv.Itoa(n) != p.class {
				numbers = false
			}
			f, seen := folder[p.class]
			n, also := number[p.folder]
			own = own && p.folder != "" && (!seen || f == p.folder) && (!also || n == p.class)
			folder[p.class], number[p.folder] = p.folder, p.class
		}
	}
	classes = slices.Sorted(maps.Keys(folder))
	if numbers && marked {
		slices.SortFunc(classes, func(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) })
	}
	index := map[string]int{}
	for i, c := range classes {
		index[c] = i
		if numbers && marked && own {
			classes[i] = folder[c]
		}
	}
	for _, list := range pictures {
		for k := range list {
			list[k].Label = index[list[k].class]
		}
	}
	return classes, nil
}
