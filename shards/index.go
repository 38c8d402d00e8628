// Package shards reads and writes sets of pictures in tar files, in the layout of WebDataset: train-*.tar and val-*.tar in a folder
// or at an address, with the pictures KEY.jpg and their classes KEY.cls, or with a folder per class.
//
//	train, val, err := shards.Open("packed")
//
// An [Index] beside the shards has the position of each picture in them. So opening a set of a million pictures does not
// read the shards, and a set at an address need not be downloaded first.
package shards

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"hymenoptera/dataset"
)

// IndexFile is the name of a set's index.
const IndexFile = "shards.jsonl"

// sets returns the names of the two sets. The names of shards begin with them.
func sets() []string { return []string{"train", "val"} }

// An Index lists the pictures of a set in shards.
type Index struct {
	Classes []string
	Shards  []Shard
}

// A Shard is a tar file of an index.
type Shard struct {
	Name    string // without a folder: train-000000.tar
	Bytes   int64
	SHA256  string // in hex
	Members []dataset.Member
}

// set returns the set that the shard belongs to, or "".
func (s *Shard) set() string { return setOf(s.Name) }

func setOf(name string) string {
	for _, set := range sets() {
		if strings.HasPrefix(name, set+"-") && strings.HasSuffix(name, ".tar") {
			return set
		}
	}
	return ""
}

// The lines of an index: the first one, and one per shard, which has its pictures in columns.
type (
	headLine struct {
		Version int      `json:"hymenoptera_shards"`
		Classes []string `json:"classes"`
	}
	shardLine struct {
		Name    string   `json:"shard"`
		Bytes   int64    `json:"bytes"`
		SHA256  string   `json:"sha256"`
		Names   []string `json:"names"`
		Labels  []int    `json:"labels"`
		Offsets []int64  `json:"offsets"`
		Sizes   []int64  `json:"sizes"`
	}
)

const indexVersion = 1

// Write writes the index as lines of JSON.
func (x *Index) Write(w io.Writer) error {
	to := bufio.NewWriter(w)
	lines := json.NewEncoder(to)
	if err := lines.Encode(headLine{indexVersion, x.Classes}); err != nil {
		return err
	}
	for _, s := range x.Shards {
		line := shardLine{Name: s.Name, Bytes: s.Bytes, SHA256: s.SHA256}
		for _, m := range s.Members {
			line.Names, line.Labels = append(line.Names, m.Name), append(line.Labels, m.Label)
			line.Offsets, line.Sizes = append(line.Offsets, m.Offset), append(line.Sizes, m.Size)
		}
		if err := lines.Encode(line); err != nil {
			return err
		}
	}
	return to.Flush()
}

// ReadIndex reads an index, and checks everything in it.
func ReadIndex(r io.Reader) (*Index, error) {
	lines := json.NewDecoder(bufio.NewReader(r))
	var head headLine
	if err := lines.Decode(&head); err != nil {
		return nil, fmt.Errorf("shards: line 1: %w", err)
	}
	if head.Version != indexVersion {
		return nil, fmt.Errorf("shards: line 1: version %d: want %d", head.Version, indexVersion)
	}
	x := &Index{Classes: head.Classes}
	seen := map[string]bool{}
	for n := 2; ; n++ {
		var line shardLine
		err := lines.Decode(&line)
		if err == io.EOF {
			return x, nil
		}
		if err == nil && seen[line.Name] {
			err = fmt.Errorf("%s again", line.Name)
		}
		if err == nil {
			err = line.check(len(x.Classes))
		}
		if err != nil {
			return nil, fmt.Errorf("shards: line %d: %w", n, err)
		}
		seen[line.Name] = true
		x.Shards = append(x.Shards, line.shard())
	}
}

// check returns an error for a line that no shard can have.
func (l *shardLine) check(classes int) error {
	n := len(l.Names)
	switch {
	case setOf(l.Name) == "" || filepath.Base(l.Name) != l.Name:
		return fmt.Errorf("shard %q: want the name of a file train-*.tar or val-*.tar", l.Name)
	case len(l.SHA256) != 64 || strings.Trim(l.SHA256, "0123456789abcdef") != "":
		return fmt.Errorf("%s: want a SHA-256 in hex, found %q", l.Name, l.SHA256)
	case len(l.Labels) != n, len(l.Offsets) != n, len(l.Sizes) != n:
		return fmt.Errorf("%s: %d names, %d labels, %d offsets and %d sizes", l.Name, n, len(l.Labels), len(l.Offsets), len(l.Sizes))
	}
	for i := range n {
		if !fs.ValidPath(l.Names[i]) || strings.Contains(l.Names[i], "\x00") {
			return fmt.Errorf("%s: picture %q: want a path below the folder", l.Name, l.Names[i])
		}
		if l.Labels[i] < 0 || l.Labels[i] >= classes || l.Offsets[i] < 512 || l.Sizes[i] < 0 || l.Offsets[i] > l.Bytes-l.Sizes[i] {
			return fmt.Errorf("%s: picture %q has label %d of %d classes, and %d bytes at offset %d of %d", l.Name, l.Names[i], l.Labels[i], classes, l.Sizes[i], l.Offsets[i], l.Bytes)
		}
	}
	return nil
}

func (l *shardLine) shard() Shard {
	s := Shard{Name: l.Name, Bytes: l.Bytes, SHA256: l.SHA256, Members: make([]dataset.Member, len(l.Names))}
	for i := range s.Members {
		s.Members[i] = dataset.Member{Name: l.Names[i], Label: l.Labels[i], Offset: l.Offsets[i], Size: l.Sizes[i]}
	}
	return s
}

// folders returns the two sets of shards, which are in root or are fetched into it. file returns the file of a shard.
func (x *Index) folders(root string, file func(Shard) *dataset.Shard) (train, val *dataset.ImageFolder, err error) {
	both := map[string]*dataset.ImageFolder{}
	for _, set := range sets() {
		var files []*dataset.Shard
		var members [][]dataset.Member
		for _, s := range x.Shards {
			if s.set() == set {
				files, members = append(files, file(s)), append(members, s.Members)
			}
		}
		f, err := dataset.NewShardSet(root, x.Classes, files, members)
		if err != nil {
			return nil, nil, err
		}
		if len(f.Samples) == 0 {
			return nil, nil, fmt.Errorf("shards: %s: no pictures in %s-*.tar: want train-*.tar and val-*.tar", root, set)
		}
		if empty := slices.Index(f.Counts(), 0); empty >= 0 {
			return nil, nil, fmt.Errorf("shards: %s: class %s has no pictures in %s-*.tar", root, dataset.Shown(x.Classes[empty])[0], set)
		}
		both[set] = f
	}
	return both["train"], both["val"], nil
}
