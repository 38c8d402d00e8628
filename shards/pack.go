package shards

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"hymenoptera/dataset"
	"hymenoptera/internal/disk"
	"hymenoptera/internal/mt19937"
)

// PackOptions say how [Pack] writes a set. Begin with DefaultPackOptions.
type PackOptions struct {
	Bytes    int64             // after which a shard ends: its last picture exceeds them
	Seed     uint64            // of the order of the training pictures
	Progress func(done, n int) // pictures; not nil
}

// DefaultPackOptions returns shards of 256 MB, in the order of seed 0.
func DefaultPackOptions() PackOptions { return PackOptions{Bytes: 256e6, Progress: func(int, int) {}} }

// CheckOut returns an error if out cannot be the new folder of [Pack]. It lets a program find that before it lists the
// pictures.
func CheckOut(out string) error {
	if entries, err := os.ReadDir(out); err == nil && len(entries) > 0 || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("shards: %s is there: want the name of a new folder", out)
	}
	if _, err := os.Stat(filepath.Dir(filepath.Clean(out))); err != nil {
		return fmt.Errorf("shards: %s: %w", out, err)
	}
	return nil
}

// Pack writes two sets as shards into a new folder, with their index. The content of the pictures stays the same; their
// names lose folders below the class, and dots. Pack puts the training pictures into a random order, because a training
// mixes only pictures that are near each other. If Pack fails, it leaves no folder.
func Pack(ctx context.Context, out string, train, val *dataset.ImageFolder, o PackOptions) (*Index, error) {
	if err := CheckOut(out); err != nil {
		return nil, err
	}
	dir := disk.Temporary(filepath.Clean(out))
	if err := os.Mkdir(dir, 0o777); err != nil {
		return nil, fmt.Errorf("shards: %w", err)
	}
	defer os.RemoveAll(dir)
	p := packer{dir: dir, o: o, index: &Index{Classes: train.Classes}, n: len(train.Samples) + len(val.Samples)}
	order := make([]int, len(train.Samples))
	mt19937.Perm(mt19937.New(o.Seed), order)
	err := p.set(ctx, "train", train, order)
	if err == nil {
		order = make([]int, len(val.Samples))
		for i := range order {
			order[i] = i
		}
		err = p.set(ctx, "val", val, order)
	}
	if err == nil {
		err = WriteIndex(dir, p.index)
	}
	if err == nil {
		err = disk.SyncFolder(disk.OS{}, dir)
	}
	if err == nil {
		os.Remove(out) // an empty folder
		err = os.Rename(dir, out)
	}
	var inside *fs.PathError
	if errors.As(err, &inside) && filepath.Dir(inside.Path) == dir {
		err = fmt.Errorf("shards: %s %s: %w", inside.Op, filepath.Join(out, filepath.Base(inside.Path)), inside.Err)
	}
	if err != nil {
		return nil, err
	}
	return p.index, disk.SyncFolder(disk.OS{}, filepath.Dir(filepath.Clean(out)))
}

// A packer writes the shards of both sets.
type packer struct {
	dir     string
	o       PackOptions
	index   *Index
	done, n int // pictures
}

// set writes the shards of a set.
func (p *packer) set(ctx context.Context, name string, f *dataset.ImageFolder, order []int) (err error) {
	keys := newKeys()
	var w *writer
	defer func() {
		if w != nil {
			w.file.Close() // again, unless an error came before
		}
	}()
	shards := 0
	for _, i := range order {
		if err := ctx.Err(); err != nil {
			return err
		}
		if w != nil && w.n >= p.o.Bytes {
			if err := p.end(w); err != nil {
				return err
			}
			w = nil
		}
		if w == nil {
			if w, err = newWriter(filepath.Join(p.dir, fmt.Sprintf("%s-%06d.tar", name, shards))); err != nil {
				return err
			}
			shards++
		}
		s := f.Samples[i]
		key, ending := keys.of(f.Classes[s.Label], filepath.Base(s.Path))
		if err := w.add(ctx, key, ending, s); err != nil {
			return err
		}
		p.done++
		p.o.Progress(p.done, p.n)
	}
	return p.end(w)
}

// end ends a shard and adds it to the index.
func (p *packer) end(w *writer) error {
	if err := w.close(); err != nil {
		return err
	}
	w.shard.Bytes, w.shard.SHA256 = w.n, fmt.Sprintf("%x", w.sum.Sum(nil))
	p.index.Shards = append(p.index.Shards, w.shard)
	return nil
}

// keys are the keys of a set, each of which must be unique.
type keys struct {
	seed maphash.Seed
	used map[uint64]struct{} // hashes, because many names take much memory; of two keys with the same hash, one gets a number
}

func newKeys() keys { return keys{maphash.MakeSeed(), map[uint64]struct{}{}} }

// of returns the name of a picture in a shard: its class, and its file's name. Of the name's dots only the last one stays,
// because a key ends at the first dot.
func (k keys) of(class, name string) (key, ending string) {
	ending = strings.ToLower(filepath.Ext(name))
	stem := class + "/" + strings.ReplaceAll(strings.TrimSuffix(name, filepath.Ext(name)), ".", "_")
	key = stem
	for i := 2; ; i++ {
		h := maphash.String(k.seed, key)
		if _, again := k.used[h]; !again {
			k.used[h] = struct{}{}
			return key, ending
		}
		key = fmt.Sprintf("%s-%d", stem, i)
	}
}
