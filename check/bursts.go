package check

import (
	"cmp"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Pictures of a burst were taken within burstTime of each other or, where that is unknown, have numbers in their names that are
// at most burstNumbers apart. They look alike: more so where only the names say that they belong together.
const (
	burstTime       = 5 * time.Second
	burstNumbers    = 3
	leastBurst      = 0.75 // correlation of thumbnails
	leastBurstNamed = 0.93
	burstNext       = 4 // how many of the pictures after it, by time or by name, a picture is compared with
)

// bursts returns links between pictures of a burst, but not of those that are joined as copies.
func (s *set) bursts(copies []link) (links []link) {
	m, joined := newMatcher(s), s.joined(copies)
	compare := func(a, b int, least float64) {
		if joined.root(a) == joined.root(b) {
			return
		}
		m.look(b)
		part, score := m.thumb.best(newPlane(s.pictures[a].thumb, thumbSide), whole, 0.04, 0.02)
		if score >= least {
			links = append(links, link{a: min(a, b), b: max(a, b), part: part, thumb: score})
		}
	}
	var order []int
	for i, p := range s.pictures {
		if p.err == nil && !p.flat {
			order = append(order, i)
		}
	}
	timed := slices.DeleteFunc(slices.Clone(order), func(i int) bool { return s.pictures[i].taken.IsZero() })
	slices.SortStableFunc(timed, func(a, b int) int { return s.pictures[a].taken.Compare(s.pictures[b].taken) })
	for k, a := range timed {
		for _, b := range timed[k+1 : min(len(timed), k+1+burstNext)] {
			if s.files[a].class == s.files[b].class && s.pictures[b].taken.Sub(s.pictures[a].taken) <= burstTime {
				compare(a, b, leastBurst)
			}
		}
	}
	names := make([]numbered, len(s.files))
	for _, i := range order {
		names[i] = number(s.files[i].path)
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(strings.Compare(names[a].stem, names[b].stem), cmp.Compare(names[a].number, names[b].number))
	})
	for k, a := range order {
		for _, b := range order[k+1 : min(len(order), k+1+burstNext)] {
			near := names[a].stem == names[b].stem && names[a].number >= 0 && names[b].number-names[a].number <= burstNumbers
			known := !s.pictures[a].taken.IsZero() && !s.pictures[b].taken.IsZero() // so they were compared above
			if near && !known && s.files[a].class == s.files[b].class {
				compare(a, b, leastBurstNamed)
			}
		}
	}
	return links
}

// A numbered is a file's name as a stem and a number at its end.
type numbered struct {
	stem   string
	number int // -1 for none
}

// number divides a file's name: IMG_0012.jpg is IMG_ and 12.
func number(file string) numbered {
	base := path.Base(file)
	base = strings.TrimSuffix(base, path.Ext(base))
	stem := strings.TrimRight(base, "0123456789")
	n, err := strconv.Atoi(base[len(stem):])
	if err != nil {
		n = -1
	}
	return numbered{stem, n}
}
