package check

import (
	"cmp"
	"context"
	"crypto/sha256"
	"math/bits"
	"slices"
	"sync"
)

// A copy passes one threshold after another. Each costs more to compute than the one before and lets fewer other pictures
// pass. They were measured on photographs and clothing with 800 planted copies (docs/check.md); the worst is beside each.
const (
	mostBits    = 16   // that differ between the hashes of a copy and of the part that it shows: 16
	leastStart  = 0.45 // correlation of 12×12 cells with the part of that hash: 0.51
	leastCoarse = 0.82 // when the part is aligned: 0.861
	leastThumb  = 0.90 // of 24×24 cells: 0.929
	leastEdges  = 0.65 // of the edges and texture in 32×32 cells: 0.806
	mostColour  = 8    // difference of the aligned colours, in grey levels: 4.4; of other pictures 11.4 at least
	leastSame   = 0.62 // of those in 96×96 cells, by the files: 0.733; of other pictures 0.541 at most
)

// mostPairs is how many pictures a picture is compared with in detail: in a film, all are alike.
const mostPairs = 8

// A link says that two pictures look alike.
type link struct {
	a, b  int     // b shows a part of a, or all of it
	part  box     // of a, which b shows
	thumb float64 // correlation of 24×24 cells
	same  float64 // of edges and texture in the files; 0 if it was not computed
	exact bool    // the files are equal
}

// copies finds the pairs of pictures of which one is a copy of the other.
func (s *set) copies(ctx context.Context, workers int, progress func(done, n int)) ([]link, error) {
	links, firsts := s.equalFiles()
	grid := crops()
	hashes := make([]uint64, 0, len(firsts)*len(grid))
	for _, i := range firsts {
		hashes = append(hashes, s.pictures[i].hashes...)
		s.pictures[i].hashes = nil
	}
	var mu sync.Mutex
	err := inParallel(ctx, workers, len(firsts), progress, func() func(int) error {
		m := newMatcher(s)
		return func(k int) error {
			var found []link
			m.look(firsts[k])
			query := hashes[k*len(grid)] // of the whole
			for j, a := range firsts {
				crop, distance := nearest(hashes[j*len(grid):(j+1)*len(grid)], query)
				if a == firsts[k] || distance > mostBits {
					continue
				}
				if l, ok := m.match(a, grid[crop]); ok {
					found = append(found, l)
				}
			}
			slices.SortFunc(found, func(x, y link) int { return cmp.Or(cmp.Compare(y.thumb, x.thumb), cmp.Compare(x.a, y.a)) })
			for _, l := range found[:min(mostPairs, len(found))] {
				if m.compare(&l); l.same >= leastSame {
					mu.Lock()
					links = append(links, l)
					mu.Unlock()
				}
			}
			return nil
		}
	})
	slices.SortFunc(links, func(x, y link) int { return cmp.Or(cmp.Compare(x.a, y.a), cmp.Compare(x.b, y.b)) })
	return links, err
}

// equalFiles returns a link for every file that equals an earlier one, and the other pictures that show something.
func (s *set) equalFiles() (links []link, firsts []int) {
	first := map[[sha256.Size]byte]int{}
	for i := range s.pictures {
		p := &s.pictures[i]
		if p.err != nil {
			continue
		}
		if a, there := first[p.sum]; there {
			links = append(links, link{a: a, b: i, part: whole, thumb: 1, same: 1, exact: true})
			continue
		}
		first[p.sum] = i
		if !p.flat {
			firsts = append(firsts, i)
		}
	}
	return links, firsts
}

// nearest returns the index of the hash that differs least from another one, and in how many bits.
func nearest(hashes []uint64, from uint64) (index, distance int) {
	distance = 65
	for i, h := range hashes {
		if d := bits.OnesCount64(h ^ from); d < distance {
			index, distance = i, d
		}
	}
	return index, distance
}

// A matcher compares one picture with others.
type matcher struct {
	set                         *set
	b                           int // the picture
	coarse, thumb, edges, sharp *aligner
	looker                      *looker
	read                        int // the picture whose file sharp and shown have; -1 for none
	shown                       view
}

func newMatcher(s *set) *matcher {
	return &matcher{set: s, coarse: newAligner(12, false), thumb: newAligner(24, false), edges: newAligner(32, true),
		sharp: newAligner(96, true), looker: newLooker(), read: -1}
}

// look sets the picture.
func (m *matcher) look(b int) {
	m.b = b
	p := newPlane(m.set.pictures[b].thumb, thumbSide)
	for _, a := range []*aligner{m.coarse, m.thumb, m.edges} {
		a.look(p)
	}
}

// match compares the thumbnails of the picture and of a, of which the picture may show only about the given part.
func (m *matcher) match(a int, part box) (link, bool) {
	p := newPlane(m.set.pictures[a].thumb, thumbSide)
	if m.coarse.at(p, part) < leastStart {
		return link{}, false
	}
	part, score := m.coarse.best(p, part, 0.04, 0.04)
	if score < leastCoarse {
		return link{}, false
	}
	if part, score = m.thumb.best(p, part, 0.02, 0.01); score < leastThumb {
		return link{}, false
	}
	return link{a: a, b: m.b, part: part, thumb: score}, true
}

// compare sets how much alike the pictures of a link are, by their files if their thumbnails do not differ. A file that can
// no longer be read makes them different.
func (m *matcher) compare(l *link) {
	if _, same := m.edges.best(newPlane(m.set.pictures[l.a].thumb, thumbSide), l.part, 0.01, 0.005); same < leastEdges {
		return
	}
	if m.read != l.b {
		v, ok := m.view(l.b)
		if !ok {
			return
		}
		m.sharp.look(v.luma)
		m.read, m.shown = l.b, v
	}
	v, ok := m.view(l.a)
	if !ok {
		return
	}
	part, same := m.sharp.best(v.luma, l.part, 0.01, 0.0025)
	if m.shown.difference(v, part) <= mostColour {
		l.part, l.same = part, same
	}
}

// view reads a picture's file.
func (m *matcher) view(i int) (view, bool) {
	const side = 256
	if _, err := m.looker.decode(m.set.full(i)); err != nil {
		return view{}, false
	}
	return newView(shrink(&m.looker.image, side, side), side), true
}
