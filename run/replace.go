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
// hidden folder gets another name, and from that moment the new run counts: the old run's files are removed, and the new
// run's files take their place. A process that finds a folder with that name finishes the work: see Settle. So a killed
// process leaves the old run or the new one. The folder itself and other files in it stay as they are.

// stage returns the hidden folder of a run that does not count yet.
func stage(path string) string { return filepath.Join(path, ".hymenoptera-new") }

// swap returns the hidden folder of a run that counts.
func swap(path string) string { return filepath.Join(path, ".hymenoptera-swap") }

// KeepsOld reports whether the folder still holds an old run unchanged, because the new one has no weights yet.
func (f *Folder) KeepsOld() bool { return f.dir == stage(f.path) }

// replaceOld replaces the old run by the new one. After a failed operation it can be called again.
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
		return fmt.Errorf("run: finish replacing an old run: %w", err)
	}
	return nil
}

// finishSwap moves the new run's files out of its hidden folder, perhaps after another process began to. config.json moves
// first: while it is in the hidden folder, the old run's files must still be removed.
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
