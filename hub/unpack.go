package hub

import (
	"archive/zip"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"hymenoptera/internal/disk"
)

// Limits bound the size of the files that a zip may unpack to.
type Limits struct {
	Files      int   // entries, including folders
	FileBytes  int64 // of one file
	TotalBytes int64 // of all together
	Ratio      int64 // of all together, divided by the size of the zip
}

// DefaultLimits returns limits for sets of photographs.
func DefaultLimits() Limits {
	return Limits{Files: 20_000, FileBytes: 64 << 20, TotalBytes: 2 << 30, Ratio: 50}
}

// directoryBytes bounds how many bytes of a zip are read to list its entries.
const directoryBytes = 16 << 20

// Unpack unpacks the folder top of a zip as the folder dir: top/a.jpg becomes dir/a.jpg. dir must not exist yet, and
// appears only when every file is on disk and has its CRC.
//
// A zip with anything but plain files and folders below top is refused before a byte is written. So is a zip whose
// names are absolute, lead elsewhere, are not UTF-8, differ only in case or are not valid on every system, whose
// entries overlap, or which exceeds the limits. Files that macOS adds (__MACOSX) are left out.
func Unpack(ctx context.Context, zipFile, top, dir string, limits Limits) error {
	if err := unpack(ctx, zipFile, top, dir, limits, nil); err != nil {
		return fmt.Errorf("hub: unpack %s: %w", zipFile, err)
	}
	return nil
}

// unpack is Unpack; extra is called with the folder before it gets its name.
func unpack(ctx context.Context, zipFile, top, dir string, limits Limits, extra func(*os.Root) error) (err error) {
	if _, err := os.Lstat(dir); err == nil {
		return fmt.Errorf("%s is there already: remove it first", dir)
	}
	f, err := os.Open(zipFile)
	if err != nil {
		return err
	}
	defer f.Close()
	entries, err := list(f, top, limits)
	if err != nil {
		return err
	}
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o777); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(parent, tempName(dir))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	inner := filepath.Join(tmp, "folder") // only the owner may read the folder that MkdirTemp makes
	if err := os.Mkdir(inner, 0o777); err != nil {
		return err
	}
	root, err := os.OpenRoot(inner)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, e := range entries {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if err := e.write(root); err != nil {
			return fmt.Errorf("%q: %w", e.Name, err)
		}
	}
	if extra != nil {
		if err := extra(root); err != nil {
			return err
		}
	}
	if err := syncAll(inner); err != nil {
		return err
	}
	if err := os.Rename(inner, dir); err != nil {
		return err
	}
	return disk.SyncFolder(disk.OS{}, parent)
}

// syncAll brings the file system of a folder to disk: one call for hundreds of files.
func syncAll(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(unix.Syncfs(int(d.Fd())), d.Close())
}

// An entry is a file or folder to unpack.
type entry struct {
	*zip.File
	path string // below the new folder
	dir  bool
}

// list reads a zip's directory, checks all of it, and returns the entries below top.
func list(f *os.File, top string, limits Limits) ([]entry, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	bounded := &boundedReader{r: f, left: directoryBytes}
	z, err := zip.NewReader(bounded, info.Size())
	if err != nil {
		return nil, err
	}
	if len(z.File) > limits.Files {
		return nil, fmt.Errorf("it has %d entries, more than %d, the limit", len(z.File), limits.Files)
	}
	bounded.left = math.MaxInt64
	var entries []entry
	var total int64
	seen := map[string]bool{} // by folded name: whether it is a folder
	for _, file := range z.File {
		if strings.HasPrefix(file.Name, "__MACOSX/") {
			continue
		}
		e, err := check(file, top, limits)
		if err == nil {
			err = remember(seen, e)
		}
		if err != nil {
			return nil, fmt.Errorf("%q: %w", file.Name, err)
		}
		most := min(limits.TotalBytes, limits.Ratio*max(info.Size(), 1<<20))
		if total += int64(file.UncompressedSize64); total > most { // the sum cannot overflow: both are at most a limit
			return nil, fmt.Errorf("it would unpack from %s to more than %s: a zip bomb", Bytes(info.Size()), Bytes(most))
		}
		if e.path != "." {
			entries = append(entries, e)
		}
	}
	if len(entries) == 0 {
		return nil, fmt.Errorf("nothing is in its folder %s/", top)
	}
	return entries, checkOverlaps(z.File, info.Size())
}

// check checks one entry by itself.
func check(file *zip.File, top string, limits Limits) (entry, error) {
	name, dir := strings.CutSuffix(file.Name, "/")
	if err := checkName(name); err != nil {
		return entry{}, err
	}
	rel := "."
	if name != top || !dir {
		var ok bool
		if rel, ok = strings.CutPrefix(name, top+"/"); !ok {
			return entry{}, fmt.Errorf("not in the folder %s/", top)
		}
	}
	switch mode := file.Mode(); {
	case dir && file.UncompressedSize64 > 0:
		return entry{}, errors.New("a folder with content")
	case !dir && !mode.IsRegular():
		return entry{}, fmt.Errorf("neither a file nor a folder but %v", mode.Type())
	case file.Flags&1 != 0:
		return entry{}, errors.New("encrypted")
	case file.Method != zip.Store && file.Method != zip.Deflate:
		return entry{}, fmt.Errorf("compression method %d: want 0 or 8", file.Method)
	case file.UncompressedSize64 > uint64(limits.FileBytes):
		return entry{}, fmt.Errorf("%d bytes, more than %d, the limit", file.UncompressedSize64, limits.FileBytes)
	}
	return entry{file, rel, dir}, nil
}

// remember refuses names that occur twice, also in another case, and files that other entries use as folders.
func remember(seen map[string]bool, e entry) error {
	name := strings.ToLower(e.path)
	if wasDir, twice := seen[name]; twice && !(wasDir && e.dir) {
		return errors.New("the name stands twice, perhaps in another case")
	}
	seen[name] = e.dir
	for p := path.Dir(name); p != "."; p = path.Dir(p) {
		if isDir, ok := seen[p]; ok && !isDir {
			return fmt.Errorf("inside of %s, which is a file", p)
		}
		seen[p] = true
	}
	return nil
}

// checkOverlaps refuses entries that share bytes, with which a small zip could unpack to a large one.
func checkOverlaps(files []*zip.File, size int64) error {
	type span struct {
		from, to int64
		name     string
	}
	var spans []span
	for _, f := range files {
		from, err := f.DataOffset()
		if err != nil {
			return fmt.Errorf("%q: %w", f.Name, err)
		}
		if from > size || f.CompressedSize64 > uint64(size-from) {
			return fmt.Errorf("%q: reaches beyond the end", f.Name)
		}
		if f.CompressedSize64 > 0 {
			spans = append(spans, span{from, from + int64(f.CompressedSize64), f.Name})
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	for i := 1; i < len(spans); i++ {
		if spans[i].from < spans[i-1].to {
			return fmt.Errorf("%q and %q share bytes", spans[i-1].name, spans[i].name)
		}
	}
	return nil
}

// write unpacks an entry. A Root follows no symbolic link out of the folder, and there are none.
func (e entry) write(root *os.Root) (err error) {
	name := filepath.FromSlash(e.path)
	if e.dir {
		return root.MkdirAll(name, 0o777)
	}
	if err := root.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	r, err := e.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	want := int64(e.UncompressedSize64)
	n, err := io.Copy(f, io.LimitReader(r, want+1)) // the CRC is compared at the end
	if err == nil && n != want {
		err = fmt.Errorf("unpacks to more than the %d bytes it says", want)
	}
	return err
}

// A boundedReader returns an error after a number of bytes.
type boundedReader struct {
	r    io.ReaderAt
	left int64
}

func (b *boundedReader) ReadAt(p []byte, off int64) (int, error) {
	if b.left -= int64(len(p)); b.left < 0 {
		return 0, fmt.Errorf("the list of its entries is longer than %s", Bytes(directoryBytes))
	}
	return b.r.ReadAt(p, off)
}
