package run

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"hymenoptera/checkpoint"
	"hymenoptera/internal/disk"
	"hymenoptera/metrics"
)

// last.safetensors does not hold the best weights, which are in best.safetensors, but names them by their SHA-256. Before
// SaveBest replaces best.safetensors, it gives the old weights a second name, last-best.safetensors, and removes that name
// when the next last.safetensors is written. So at any moment one of the two files has the weights that last.safetensors
// names.

// SaveLast writes last.safetensors. named says that it names the weights in best.safetensors. Only the goroutine that calls
// SaveBest may call it.
func (f *Folder) SaveLast(sd *checkpoint.StateDict, named bool) error {
	if err := f.writeTensors(LastFile, sd); err != nil {
		return f.writeError(err)
	}
	f.named = named
	return f.writeError(f.forget())
}

// keep gives the weights in best.safetensors a second name, if last.safetensors names them.
func (f *Folder) keep() error {
	if !f.named {
		return nil
	}
	best, kept := filepath.Join(f.dir, BestFile), filepath.Join(f.dir, keptFile)
	if err := f.forget(); err != nil { // an old one that could not be removed before
		return err
	}
	if f.disk.Link(best, kept) != nil { // the file system has no hard links
		if err := f.copy(best, kept); err != nil {
			return err
		}
	}
	if err := disk.SyncFolder(f.disk, f.dir); err != nil {
		return err
	}
	f.named = false
	return nil
}

// forget removes last-best.safetensors, if it is there.
func (f *Folder) forget() error { return f.remove(keptFile) }

// remove removes a file, if it is there.
func (f *Folder) remove(name string) error {
	if err := f.disk.Remove(filepath.Join(f.dir, name)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (f *Folder) copy(from, to string) error {
	file, err := os.Open(from)
	if err != nil {
		return err
	}
	defer file.Close()
	return disk.Replace(f.disk, to, func(w io.Writer) error {
		_, err := io.Copy(w, file)
		return err
	})
}

// A Last is the content of a last.safetensors.
type Last struct {
	*checkpoint.StateDict
	path string // of the run's folder
	dir  string // folder of the file: path, or stage(path) for a run without weights yet that will replace an old one
	info fs.FileInfo
}

// ReadLast reads the last.safetensors of the run in a folder. The error is fs.ErrNotExist if there is none.
func ReadLast(path string) (*Last, error) {
	if err := Settle(path); err != nil {
		return nil, err
	}
	l := &Last{path: path, dir: stage(path)}
	var err error
	if l.info, err = os.Stat(filepath.Join(l.dir, LastFile)); errors.Is(err, fs.ErrNotExist) {
		l.dir = path
		l.info, err = os.Stat(filepath.Join(l.dir, LastFile))
	}
	if err != nil {
		return nil, fmt.Errorf("run: %w", err)
	}
	l.StateDict, err = checkpoint.Read(filepath.Join(l.dir, LastFile))
	return l, err
}

// Dir returns the folder that the file lies in.
func (l *Last) Dir() string { return l.dir }

// Best returns the weights that best.safetensors had when l was written. It finds them by their SHA-256.
func (l *Last) Best(sha256 string) (*checkpoint.StateDict, error) {
	for _, name := range []string{BestFile, keptFile} {
		if sd, err := checkpoint.Read(filepath.Join(l.dir, name)); err == nil && digest(sd) == sha256 {
			return sd, nil
		}
	}
	return nil, fmt.Errorf("run: %s is not the file that belongs to %s beside it", filepath.Join(l.dir, BestFile), LastFile)
}

// ResumeOn opens the folder of a run to resume, on any file system. Nothing in it changes before Continue.
func ResumeOn(sys disk.System, l *Last) (*Folder, error) {
	if err := unix.Access(l.path, unix.W_OK|unix.X_OK); err != nil {
		return nil, folderErrorf("cannot write into %s: %w", l.path, err)
	}
	f := &Folder{disk: sys, path: l.path, dir: l.dir, written: map[string][]byte{}}
	if err := f.hold(); err != nil {
		return nil, err
	}
	if now, err := os.Stat(filepath.Join(l.dir, LastFile)); err != nil || !os.SameFile(now, l.info) {
		f.lock.Close()
		return nil, folderErrorf("%s: another run has written into this folder in the meantime", l.path)
	}
	return f, nil
}

// Continue returns the folder to its state when last.safetensors was written: with this config.json, this history, and the
// best weights with the SHA-256 best, which Last.Best has found ("" for none). It removes later files.
func (f *Folder) Continue(config any, history metrics.History, best string) error {
	data, err := encoded(config)
	if err != nil {
		return err
	}
	if err := f.restoreBest(best); err != nil {
		return f.writeError(err)
	}
	lines, err := EncodeHistory(history)
	if err != nil {
		return err
	}
	stale := append(unfinished(f.dir), ResultFile)
	if len(lines) == 0 {
		stale = append(stale, HistoryFile)
	}
	for _, name := range stale {
		if err := f.remove(name); err != nil {
			return f.writeError(err)
		}
	}
	if err := f.Write(ConfigFile, data); err != nil || len(lines) == 0 {
		return err
	}
	return f.Write(HistoryFile, lines)
}

// restoreBest makes best.safetensors hold the weights that last.safetensors names.
func (f *Folder) restoreBest(sha256 string) error {
	best, kept := filepath.Join(f.dir, BestFile), filepath.Join(f.dir, keptFile)
	if f.named = sha256 != ""; !f.named {
		return cmp.Or(f.remove(BestFile), f.forget())
	}
	if sd, err := checkpoint.Read(best); err == nil && digest(sd) == sha256 {
		return f.forget()
	}
	if err := f.disk.Rename(kept, best); err != nil {
		return err
	}
	return disk.SyncFolder(f.disk, f.dir)
}
