package hub

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// markFile is in every folder that FetchFolder made; it holds the address that the folder came from.
const markFile = ".downloaded"

// FetchFolder downloads the zip f and unpacks its folder top as the folder dir, as Fetch and Unpack do, with
// [DefaultLimits]. It uses an existing folder unchanged, and a zip that somebody put at dir.zip. It never gives that name
// to a zip that it downloads, but unpacks the partial file, so that a process that is killed meanwhile leaves no zip
// that later calls would keep.
func FetchFolder(ctx context.Context, cfg Config, f File, top, dir string) (fetched bool, err error) {
	if err := cfg.validate(); err != nil {
		return false, err
	}
	u, err := f.parse(cfg)
	if err != nil {
		return false, err
	}
	dir = filepath.Clean(dir)
	zipFile := dir + ".zip"
	there, err := isFolder(dir)
	if err != nil {
		return false, err
	}
	if there {
		removeLeft(ctx, cfg, dir, append(stopped(dir), zipFile+partialEnding, zipFile+sourceEnding)...)
		return false, nil
	}
	unlock, err := lock(ctx, cfg, dir)
	if err != nil {
		return false, err
	}
	defer unlock()
	if there, err := isFolder(dir); there || err != nil {
		return false, err
	}
	if err := removeStopped(dir); err != nil {
		return false, err
	}
	mark := func(root *os.Root) error { return root.WriteFile(markFile, []byte(u.Redacted()+"\n"), 0o666) }
	if _, err := os.Stat(zipFile); err == nil {
		if err := unpack(ctx, zipFile, top, dir, DefaultLimits(), mark); err != nil {
			return false, fmt.Errorf("hub: unpack %s: %w; remove it to have it fetched again", zipFile, err)
		}
		return true, nil
	}
	p, err := openPartial(zipFile, u.Redacted())
	if err != nil {
		return false, fmt.Errorf("hub: %w", err)
	}
	defer p.close()
	d := &download{cfg: cfg, file: f, url: u, partial: p, deliver: func() error { return nil }}
	if err := d.run(ctx); err != nil {
		return false, err
	}
	err = unpack(ctx, zipFile+partialEnding, top, dir, DefaultLimits(), mark)
	if ctx.Err() == nil { // if the run is cancelled, the next one uses the zip
		err = errors.Join(err, p.discard())
	}
	if err != nil {
		return false, fmt.Errorf("hub: unpack %s from %s: %w", zipFile, u.Redacted(), err)
	}
	return true, nil
}

// stopped returns the temporary folders of processes that were killed while they unpacked into dir.
func stopped(dir string) (names []string) {
	entries, _ := os.ReadDir(filepath.Dir(dir)) // a folder that cannot be listed has none
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), tempName(dir)) {
			names = append(names, filepath.Join(filepath.Dir(dir), e.Name()))
		}
	}
	return names
}

func removeStopped(dir string) error {
	for _, name := range stopped(dir) {
		if err := os.RemoveAll(name); err != nil {
			return fmt.Errorf("hub: %w", err)
		}
	}
	return nil
}

// tempName returns the beginning of the names of temporary folders for dir.
func tempName(dir string) string { return "." + filepath.Base(dir) + ".unpacking-" }

func isFolder(path string) (bool, error) {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("hub: %w", err)
	}
	if !info.IsDir() {
		return false, fmt.Errorf("hub: %s is not a folder", path)
	}
	return true, nil
}

// Remove removes a file that Fetch downloads to path, and its partial download. removed reports whether there was
// anything. It waits while a process is downloading the file.
func Remove(ctx context.Context, cfg Config, path string) (removed bool, err error) {
	if _, err := os.Stat(filepath.Dir(path)); errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	unlock, err := lock(ctx, cfg, path)
	if err != nil {
		return false, err
	}
	defer unlock()
	for _, ending := range []string{"", partialEnding, sourceEnding} {
		err := os.Remove(path + ending)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return removed, fmt.Errorf("hub: %w", err)
		}
		removed = removed || err == nil
	}
	return removed, nil
}

// RemoveFolder removes a folder that FetchFolder made, with everything in it, and the partial download of its zip. It
// refuses any other folder.
func RemoveFolder(ctx context.Context, cfg Config, dir string) (removed bool, err error) {
	dir = filepath.Clean(dir)
	if _, err := os.Stat(filepath.Dir(dir)); errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	unlock, err := lock(ctx, cfg, dir)
	if err != nil {
		return false, err
	}
	defer unlock()
	if removed, err = Remove(ctx, cfg, dir+".zip"); err != nil {
		return removed, err
	}
	if err := removeStopped(dir); err != nil {
		return removed, err
	}
	if there, err := isFolder(dir); !there {
		return removed, err
	}
	if _, err := os.Lstat(filepath.Join(dir, markFile)); err != nil {
		return removed, fmt.Errorf("hub: %s was not downloaded by this program: remove it by hand", dir)
	}
	if err := os.RemoveAll(dir); err != nil {
		return removed, fmt.Errorf("hub: %w", err)
	}
	return true, nil
}

// State describes the file or folder that is downloaded to path: a file's size, "here" for a folder, "begun" for a
// partial download, or "-" for nothing.
func State(path string) string {
	if info, err := os.Stat(path); err == nil {
		if info.IsDir() {
			return "here"
		}
		return Bytes(info.Size())
	}
	for _, name := range []string{path, path + ".zip"} {
		if _, err := os.Stat(name + partialEnding); err == nil {
			return "begun"
		}
	}
	return "-"
}
