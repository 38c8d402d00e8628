package dataset

import (
	"fmt"
	"math"

	"hymenoptera/internal/mt19937"
)

// Split divides a set into two sets with the same classes. Of each class's n pictures, src chooses n·fraction, rounded,
// for val: at least one and not all. Both sets keep the order. The pictures of a group in together, indices of samples,
// go to the same side, so that val may get fewer or more. It divides groups only if they leave a side without pictures of
// a class.
func (f *ImageFolder) Split(fraction float64, src Source, together [][]int) (train, val *ImageFolder, err error) {
	if !(fraction > 0 && fraction < 1) {
		return nil, nil, fmt.Errorf("dataset: a share of %v of the pictures to validate with: want more than 0 and less than 1", fraction)
	}
	d := newDivision(len(f.Samples), together)
	first := 0 // index of the class's first sample; samples are sorted by class
	for label, n := range f.Counts() {
		if n < 2 {
			return nil, nil, fmt.Errorf("dataset: class %s: %d pictures cannot be divided into those to train with and those to validate with: want at least 2", f.Classes[label], n)
		}
		order := make([]int, n)
		mt19937.Perm(src, order)
		for i := range order {
			order[i] += first
		}
		share := int(math.Round(float64(n) * fraction))
		d.class(order, min(max(share, 1), n-1))
		first += n
	}
	train, val = &ImageFolder{Root: f.Root, Classes: f.Classes, LeftOut: f.LeftOut}, &ImageFolder{Root: f.Root, Classes: f.Classes}
	for i, s := range f.Samples {
		if d.side[i] == toVal {
			val.Samples = append(val.Samples, s)
		} else {
			train.Samples = append(train.Samples, s)
		}
	}
	return train, val, nil
}

// A side is the set that a sample goes to.
type side int8

const (
	undecided side = iota
	toTrain
	toVal
)

// A division assigns samples to sides, class by class.
type division struct {
	side   []side
	groups [][]int
	group  []int // of each sample; -1 for none
}

func newDivision(n int, groups [][]int) *division {
	d := &division{make([]side, n), groups, make([]int, n)}
	for i := range d.group {
		d.group[i] = -1
	}
	for g, members := range groups {
		for _, i := range members {
			d.group[i] = g
		}
	}
	return d
}

// class sends share samples of a class to val, the first ones in order. It skips groups that do not fit, and samples whose
// group an earlier class has sent. If no group fits, the smallest goes to val.
func (d *division) class(order []int, share int) {
	in := map[int]int{} // samples of this class in a group
	have := 0
	for _, i := range order {
		if d.group[i] >= 0 {
			in[d.group[i]]++
		}
		if d.side[i] == toVal {
			have++
		}
	}
	smallest, least := -1, len(order)
	for _, i := range order {
		if d.side[i] != undecided {
			continue
		}
		size := max(1, in[d.group[i]])
		if size < least {
			smallest, least = i, size
		}
		to := toTrain
		if have+size <= share {
			to = toVal
			have += size
		}
		d.send(i, to)
	}
	switch {
	case have == 0 && smallest >= 0:
		d.send(smallest, toVal)
	case have == 0, have == len(order): // the groups leave one side without pictures
		d.breakUp(order, share)
	}
}

// send sends a sample, and its group with it, to a side.
func (d *division) send(i int, to side) {
	if g := d.group[i]; g >= 0 {
		for _, k := range d.groups[g] {
			d.side[k] = to
		}
	}
	d.side[i] = to
}

// breakUp divides a class and ignores its groups. The samples of a group in other classes stay where they are.
func (d *division) breakUp(order []int, share int) {
	for k, i := range order {
		d.side[i] = toTrain
		if k < share {
			d.side[i] = toVal
		}
	}
}
