package run

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"hymenoptera/internal/disk"
)

// A run that overwrites another is written into a hidden folder in the old one's, until it has its first weights. Then the
// hidden folder gets another name, which is the moment from which the new run counts; the old one's files are removed,
// and the new one's put in their place. A process that finds a folder with that name finishes the work: see Settle. So a process
// that is killed leaves the old run or the new one, and the other files in the folder, and the folder itself, stay as
// they are.

// stage returns the hidden folder of a run that does not count yet.
func stage(path string) string { return filepath.Join(path, ".hymenoptera-new") }

// swap returns that of a run that does.
func swap(path string) string { return filepath.Join(path, ".hymenoptera-swap") }

// KeepsOld reports whether the folder still holds an old run unchanged, because the new one has no weights yet.
func (f *Folder) KeepsOld() bool { return f.dir == stage(f.path) }

// replaceOld replaces the old run by the new one, or goes on with that where an operation failed.
func (f *Folder) replaceOld() error {
	if f.KeepsOld() {
		if err := f.disk.Rename(f.dir, swap(f.path)); err != nil {
			return err
		}
		f.dir = swap(f.path)
	}
	if err := disk.SyncFolder(f.disk, f.path); err != nil { // before anything is removed
		return err
	}
	if err := finishSwap(f.disk, f.path); err != nil {
		return err
	}
	f.dir = f.path
	return nil
}

// Settle finishes the replacement of an old run if the process that began it was killed. It does nothing if that
// process still runs, or if none began.
func Settle(path string) error {
	if _, err := os.Lstat(swap(path)); err != nil {
		return nil
	}
	lock, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("run: %w", err)
	}
	defer lock.Close()
	if unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		return nil
	}
	if err := finishSwap(disk.OS{}, path); err != nil {
		return fmt.Errorf("run: finish the replacing of an old run: %w", err)
	}
	return nil
}

// finishSwap moves the new run's files out of its hidden folder. That config.json is the first says whether the old run's
// files are still to be removed, where it goes on with what another process began.
func finishSwap(sys disk.System, path string) error {
	from := swap(path)
	if _, err := os.Lstat(filepath.Join(from, ConfigFile)); err == nil {
		if err := removeFiles(sys, path, held(path)); err != nil {
			return err
		}
	}
	for _, name := range files() {
		if err := sys.Rename(filepath.Join(from, name), filepath.Join(path, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := disk.SyncFolder(sys, path); err != nil {
		return err
	}
	return sys.RemoveAll(from)
}

// clear removes incomplete files of killed runs.
func (f *Folder) clear() error {
	if _, err := os.Lstat(swap(f.path)); err == nil {
		if err := finishSwap(f.disk, f.path); err != nil {
			return fmt.Errorf("run: %w", err)
		}
	}
	if err := errors.Join(f.disk.RemoveAll(stage(f.path)), removeFiles(f.disk, f.path, unfinished(f.path))); err != nil {
		return fmt.Errorf("run: %w", err)
	}
	return nil
}

func removeFiles(sys disk.System, path string, names []string) error {
	for _, name := range names {
		if err := sys.Remove(filepath.Join(path, name)); err != nil {
			return err
		}
	}
	return nil
}
