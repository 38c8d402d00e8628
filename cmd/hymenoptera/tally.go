package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"hymenoptera/internal/cli"
	"hymenoptera/internal/text"
	"hymenoptera/metrics"
)

// A tally counts the pictures of predict.
type tally struct {
	answers   []string // the classes, and unsure
	counts    []int    // by answer
	done, bad int      // all pictures, and those that cannot be read
	unlisted  []error  // for folders that cannot be listed
}

func newTally(classes []string) *tally {
	answers := append(slices.Clone(classes), unsure)
	return &tally{answers: answers, counts: make([]int, len(answers))}
}

// warn names the folders that could not be listed.
func (t *tally) warn(m *cli.Messages) {
	for _, err := range t.unlisted {
		m.Warnf("%v", err)
	}
}

// say prints the number of pictures with each answer, the most frequent answer first, if there are several pictures.
func (t *tally) say(m *cli.Messages) {
	if t.done < 2 {
		return
	}
	const most = 8
	var parts []string
	rest := 0
	for _, i := range metrics.Order(len(t.counts), func(a, b int) int { return t.counts[b] - t.counts[a] }) {
		switch n := t.counts[i]; {
		case n == 0:
		case len(parts) < most:
			parts = append(parts, text.Thousands(n)+" "+text.Printable(t.answers[i]))
		default:
			rest += n
		}
	}
	if rest > 0 {
		parts = append(parts, text.Thousands(rest)+" others")
	}
	if t.bad > 0 {
		parts = append(parts, text.Thousands(t.bad)+" not readable")
	}
	m.Infof("%s pictures: %s", text.Thousands(t.done), strings.Join(parts, ", "))
}

// failure returns an error if pictures could not be read, or folders could not be listed.
func (t *tally) failure() error {
	var failures []string
	if t.bad > 0 {
		failures = append(failures, fmt.Sprintf("%s of %s could not be read", text.Thousands(t.bad), plural(t.done, "picture", "pictures")))
	}
	if n := len(t.unlisted); n > 0 {
		failures = append(failures, plural(n, "folder", "folders")+" could not be listed, or had no pictures")
	}
	if len(failures) > 0 {
		return errors.New(strings.Join(failures, "; "))
	}
	return nil
}
