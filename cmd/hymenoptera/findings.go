package main

import (
	"cmp"
	"fmt"
	"strings"

	"hymenoptera/check"
	"hymenoptera/internal/text"
)

// A finding is one kind of fault, in words.
type finding struct {
	serious  bool
	title    string
	advice   string
	lines    []string
	groups   []check.Group
	suspects []check.Suspect
}

// summary returns a line with the number of pictures in a folder.
func summary(r *check.Report) string {
	s := fmt.Sprintf("%s in %s", plural(r.Pictures(), "picture", "pictures"), plural(len(r.Classes), "class", "classes"))
	if len(r.Sets) > 1 {
		var parts []string
		for _, set := range r.Sets {
			n := 0
			for _, k := range set.Counts {
				n += k
			}
			parts = append(parts, fmt.Sprintf("%s in %s", text.Thousands(n), set.Name))
		}
		s += ": " + strings.Join(parts, ", ")
	}
	return s
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return text.Thousands(n) + " " + many
}

// findings describes a report in words, the most serious findings first.
func findings(r *check.Report) (found []finding) {
	add := func(f finding, n int) {
		if n > 0 {
			found = append(found, f)
		}
	}
	const leftOut = "--exclude-to FILE lists them for train --exclude"
	var leaks, labels, copies []check.Group
	for _, g := range r.Copies {
		if g.Leak {
			leaks = append(leaks, g)
		}
		if g.Classes {
			labels = append(labels, g)
		}
		if !g.Serious() {
			copies = append(copies, g)
		}
	}
	add(finding{serious: true, title: plural(len(leaks), "picture lies", "pictures lie") + " in train and in val: the accuracy comes out too good",
		advice: "leave out those in train: " + leftOut, groups: leaks}, len(leaks))
	add(finding{serious: true, title: plural(len(r.Bursts), "burst lies", "bursts lie") + " in train and in val: the accuracy comes out too good",
		advice: "leave out those in train: " + leftOut, groups: r.Bursts}, len(r.Bursts))
	add(finding{serious: true, title: plural(len(labels), "picture lies", "pictures lie") + " in several classes: one of the labels is wrong",
		advice: "correct or remove the wrong ones; --exclude-to FILE lists all of those in several classes of train, or of val", groups: labels}, len(labels))
	add(finding{serious: true, title: plural(len(r.OnlyIn), "class is", "classes are") + " missing in train or val",
		advice: "add pictures of them, or train with the others: train --classes",
		lines:  each(r.OnlyIn, func(m check.Missing) string { return m.Class + ": only in " + m.Set })}, len(r.OnlyIn))
	add(finding{serious: true, title: plural(len(r.Unreadable), "picture", "pictures") + " cannot be read",
		advice: "mend or remove them; train --skip-corrupt leaves them out",
		lines:  each(r.Unreadable, func(u check.Unreadable) string { return u.Path + ": " + u.Reason })}, len(r.Unreadable))
	add(finding{title: plural(len(copies), "picture has copies", "pictures have copies") + " in the same class and set, which count more than others",
		advice: leftOut, groups: copies}, len(copies))
	if r.Labels != nil {
		suspects := r.Labels.Suspects
		add(finding{title: plural(len(suspects), "label is", "labels are") + " likely wrong", advice: "look at them, the likeliest first, and move the wrong ones; they are on no list to leave out",
			suspects: suspects}, len(suspects))
	}
	add(finding{title: "pictures without colours",
		advice: "if only some classes are grey, a network learns that instead of what they show: make all grey, or all coloured",
		lines:  each(r.Grey, greyLine)}, len(r.Grey))
	add(finding{title: plural(len(r.Rotated), "picture is", "pictures are") + " turned by EXIF data",
		advice: "train --exif-rotate shows them to the network as people see them", lines: r.Rotated}, len(r.Rotated))
	add(finding{title: plural(len(r.Sizes), "picture is", "pictures are") + " very small or very long",
		advice: "a side of less than 64 pixels shows little, and of a long picture the network sees only the middle",
		lines:  each(r.Sizes, func(o check.OddSize) string { return fmt.Sprintf("%s: %d×%d", o.Path, o.Width, o.Height) })}, len(r.Sizes))
	add(finding{title: plural(len(r.Hidden), "hidden folder is", "hidden folders are") + " left out",
		advice: "remove them, or rename those that hold pictures of the class", lines: r.Hidden}, len(r.Hidden))
	add(finding{title: "files that are not taken for pictures: " + r.LeftOut.String(),
		advice: "convert pictures of other formats to JPEG or PNG"}, len(r.LeftOut))
	return found
}

// each returns a line for each item.
func each[T any](items []T, line func(T) string) (lines []string) {
	for _, x := range items {
		lines = append(lines, line(x))
	}
	return lines
}

// greyLine describes which pictures are grey.
func greyLine(g check.Grey) string {
	where := strings.TrimPrefix(strings.TrimSuffix(g.Set+"/"+g.Class, "/"), "/")
	line := fmt.Sprintf("%s: %d of %d pictures are grey", cmp.Or(where, "the whole set"), g.Grey, g.N)
	if g.Others > 0 {
		line += fmt.Sprintf(", and %d of the %d others", g.OthersGrey, g.Others)
	}
	return line
}

// groupLine names the pictures of a group.
func groupLine(g check.Group) string {
	const most = 4
	var paths []string
	for _, p := range g.Pictures[:min(most, len(g.Pictures))] {
		paths = append(paths, p.Path)
	}
	sign, alike := " ~ ", fmt.Sprintf("  (%.2f)", g.Alike)
	if g.Exact {
		sign, alike = " = ", ""
	}
	line := strings.Join(paths, sign)
	if rest := len(g.Pictures) - most; rest > 0 {
		line += fmt.Sprintf(" and %d more", rest)
	}
	return line + alike
}

// accuracy describes how often a network that was not trained with the pictures agrees with their labels.
func accuracy(l *check.Labels) string {
	return fmt.Sprintf("cross-validated accuracy of a linear layer on the network's features: %.4f (95 %% interval %.3f to %.3f, %d folds)", l.Accuracy, l.Low, l.High, l.Folds)
}

// suspicion describes the label of a picture and the class that it likely shows.
func suspicion(s check.Suspect) string {
	return fmt.Sprintf("%s, rather %s (%.0f %%)", s.Class, s.Instead, 100*s.Confidence)
}
