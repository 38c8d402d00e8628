package check

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// LeaveOut returns the pictures to leave out, so that none is unreadable, no two in a set are copies, and no copies or bursts
// lie in both train and val. The paths are relative to Data.
func (r *Report) LeaveOut() (paths []string) {
	seen := map[string]bool{}
	add := func(path string) {
		if !seen[path] {
			seen[path] = true
			paths = append(paths, path)
		}
	}
	for _, u := range r.Unreadable {
		add(u.Path)
	}
	for _, groups := range [][]Group{r.Copies, r.Bursts} {
		for _, g := range groups {
			for _, p := range g.Pictures {
				if p.LeaveOut {
					add(p.Path)
				}
			}
		}
	}
	return paths
}

// WriteList writes paths, one per line. It writes a path that ReadList would read otherwise as a quoted Go string.
func WriteList(w io.Writer, paths []string) error {
	b := bufio.NewWriter(w)
	fmt.Fprintln(b, "# pictures to leave out: hymenoptera train --exclude takes this list; edit it as you like")
	for _, path := range paths {
		if plain := path != "" && strings.TrimSpace(path) == path && path[0] != '#' && path[0] != '"' && strconv.Quote(path) == `"`+path+`"`; !plain {
			path = strconv.QuoteToASCII(path)
		}
		fmt.Fprintln(b, path)
	}
	return b.Flush()
}

// An Entry is a line of a list.
type Entry struct {
	Path string
	Line int // from 1
}

// ReadList reads a list of paths, one per line, plain or as quoted Go strings. It ignores empty lines and comments (#).
func ReadList(data []byte) (entries []Entry, err error) {
	line := 0
	for text := range bytes.Lines(data) {
		line++
		path := strings.TrimSpace(string(text))
		switch {
		case path == "" || path[0] == '#':
			continue
		case path[0] == '"':
			if path, err = strconv.Unquote(path); err != nil {
				return nil, fmt.Errorf("line %d: the quoted name has no end, or a wrong escape", line)
			}
		}
		if strings.ContainsRune(path, 0) || path == "" {
			return nil, fmt.Errorf("line %d: not the name of a file", line)
		}
		entries = append(entries, Entry{path, line})
	}
	return entries, nil
}
