package check

import (
	"cmp"
	"slices"
)

// Sides of a picture that a network hardly learns from.
const (
	smallSide = 64 // pixels: it becomes 224 of them
	longRatio = 4  // between the sides: the crop shows a quarter
)

// An OddSize is a picture that is very small or very long.
type OddSize struct {
	Path   string `json:"path"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
	Small  bool   `json:"small,omitempty"` // a side has fewer than 64 pixels
	Long   bool   `json:"long,omitempty"`  // one side is more than four times as long as the other
}

func (s *set) oddSizes() (odd []OddSize) {
	for i, p := range s.pictures {
		if p.err != nil {
			continue
		}
		o := OddSize{Path: s.files[i].path, Width: int(p.width), Height: int(p.height)}
		o.Small = min(o.Width, o.Height) < smallSide
		o.Long = max(o.Width, o.Height) > longRatio*min(o.Width, o.Height)
		if o.Small || o.Long {
			odd = append(odd, o)
		}
	}
	return odd
}

// A Grey says that nearly all pictures of a class, or of all classes, have no colours.
type Grey struct {
	Set    string `json:"set"`
	Class  string `json:"class"` // "" for the whole set
	Grey   int    `json:"grey"`
	N      int    `json:"n"`
	Others int    `json:"others"` // pictures of the other classes, or of the other set
	// OthersGrey is how many of those are grey: if few are, a network may learn the colours instead of the classes.
	OthersGrey int `json:"others_grey"`
}

// count has the number of some pictures, and how many of them are grey.
type count struct{ grey, n int }

func (c count) mostly() bool           { return c.n > 0 && 10*c.grey >= 9*c.n }
func (c count) seldom() bool           { return 2*c.grey < c.n }
func (c count) less(other count) count { return count{c.grey - other.grey, c.n - other.n} }

// grey returns the sets that are grey, and the classes that are grey while the others of their set are not.
func (s *set) grey() (found []Grey) {
	classes := make([][]count, len(s.names))
	sums := make([]count, len(s.names))
	var all count
	for i := range classes {
		classes[i] = make([]count, len(s.classes))
	}
	for i, p := range s.pictures {
		if p.err != nil {
			continue
		}
		f := s.files[i]
		for _, c := range []*count{&classes[f.set][f.class], &sums[f.set], &all} {
			c.n++
			if p.grey {
				c.grey++
			}
		}
	}
	for i, name := range s.names {
		if sums[i].mostly() {
			others := all.less(sums[i])
			found = append(found, Grey{name, "", sums[i].grey, sums[i].n, others.n, others.grey})
			continue
		}
		for class, c := range classes[i] {
			if others := sums[i].less(c); c.mostly() && others.seldom() {
				found = append(found, Grey{name, s.classes[class], c.grey, c.n, others.n, others.grey})
			}
		}
	}
	return found
}

// A Group is a group of pictures that show the same.
type Group struct {
	Exact    bool     `json:"exact,omitempty"`   // the files are equal
	Leak     bool     `json:"leak,omitempty"`    // some are in train and some in val
	Classes  bool     `json:"classes,omitempty"` // they are in different classes
	Alike    float64  `json:"alike"`             // the least correlation of two of them that links the group, up to 1
	Pictures []Member `json:"pictures"`
}

// A Member is a picture of a group.
type Member struct {
	Path     string `json:"path"`
	Set      string `json:"set"`
	Class    string `json:"class"`
	Width    int    `json:"width"`
	Height   int    `json:"height"`
	LeaveOut bool   `json:"leave_out,omitempty"` // so that the others can stay
}

// Serious reports whether the group makes the result of a training wrong.
func (g Group) Serious() bool { return g.Leak || g.Classes }

// groups describes the pictures that links join, the most serious groups first.
func (s *set) groups(links []link, alike func(link) float64) (groups []Group) {
	joined := s.joined(links)
	least, exact := map[int]float64{}, map[int]bool{}
	for _, l := range links {
		root := joined.root(l.a)
		if _, there := exact[root]; !there {
			exact[root], least[root] = true, 1
		}
		exact[root] = exact[root] && l.exact
		least[root] = min(least[root], alike(l))
	}
	for _, members := range joined.groups() {
		root := joined.root(members[0])
		g := Group{Exact: exact[root], Alike: least[root]}
		for _, i := range members {
			f, p := s.files[i], s.pictures[i]
			g.Pictures = append(g.Pictures, Member{Path: f.path, Set: s.names[f.set], Class: s.classes[f.class], Width: int(p.width), Height: int(p.height)})
			g.Leak = g.Leak || f.set != s.files[members[0]].set
			g.Classes = g.Classes || f.class != s.files[members[0]].class
		}
		groups = append(groups, g)
	}
	slices.SortStableFunc(groups, func(a, b Group) int { return cmp.Compare(b.weight(), a.weight()) })
	return groups
}

// joined joins the pictures of each link.
func (s *set) joined(links []link) *forest {
	f := newForest(len(s.files))
	for _, l := range links {
		f.join(l.a, l.b)
	}
	return f
}

func (g Group) weight() (w int) {
	if g.Leak {
		w += 2
	}
	if g.Classes {
		w++
	}
	return w
}

// leaveOutTrain leaves out the pictures of a burst in train: those in val differ from each other, and stay.
func (g Group) leaveOutTrain() {
	for i := range g.Pictures {
		g.Pictures[i].LeaveOut = g.Pictures[i].Set == "train"
	}
}

// leaveOutCopies chooses the copies to leave out. Of copies in train and val, those in val stay. Of copies in different
// classes of a set none stays, because one of the labels is wrong. Of other copies the largest stays.
func (g Group) leaveOutCopies() {
	stays := map[string]int{} // for each set
	classes := map[string]string{}
	for i, p := range g.Pictures {
		if class, there := classes[p.Set]; there && class != p.Class {
			stays[p.Set] = -1
			continue
		}
		classes[p.Set] = p.Class
		best, there := stays[p.Set]
		if !there || best >= 0 && p.Width*p.Height > g.Pictures[best].Width*g.Pictures[best].Height {
			stays[p.Set] = i
		}
	}
	for i := range g.Pictures {
		p := &g.Pictures[i]
		p.LeaveOut = stays[p.Set] != i || g.Leak && p.Set == "train"
	}
}

// A forest joins numbers into groups.
type forest struct{ parent []int }

func newForest(n int) *forest {
	f := &forest{make([]int, n)}
	for i := range f.parent {
		f.parent[i] = i
	}
	return f
}

// root returns the least number of a group.
func (f *forest) root(i int) int {
	for f.parent[i] != i {
		f.parent[i] = f.parent[f.parent[i]]
		i = f.parent[i]
	}
	return i
}

func (f *forest) join(a, b int) {
	a, b = f.root(a), f.root(b)
	f.parent[max(a, b)] = min(a, b)
}

// groups returns the groups of at least two numbers, each in order.
func (f *forest) groups() (groups [][]int) {
	index := map[int]int{}
	members := make([][]int, 0)
	for i := range f.parent {
		root := f.root(i)
		k, there := index[root]
		if !there {
			k = len(members)
			index[root] = k
			members = append(members, nil)
		}
		members[k] = append(members[k], i)
	}
	return slices.DeleteFunc(members, func(m []int) bool { return len(m) < 2 })
}

// Serious reports whether a finding makes a training fail or its result wrong: files that cannot be read, classes that only
// one set has, copies under two classes, and copies or bursts on both sides of the split.
func (r *Report) Serious() bool {
	return len(r.Unreadable) > 0 || len(r.OnlyIn) > 0 || len(r.Bursts) > 0 || slices.ContainsFunc(r.Copies, Group.Serious)
}
