package main

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"hymenoptera/classify"
	"hymenoptera/internal/escape"
	"hymenoptera/internal/text"
)

// A printer prints a picture's prediction at once, so that nothing is kept of it. top are the classes to name.
type printer func(name string, top []int, p classify.Prediction) error

// best returns the k most probable classes, the first of several equal ones first.
func best(probabilities []float32, k int) []int {
	order := make([]int, len(probabilities))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(probabilities[b], probabilities[a]) })
	return order[:min(k, len(order))]
}

// printTable prints columns for people: the classes by probability, then the file.
func printTable(w io.Writer, classes []string) printer {
	width := 0
	for _, c := range classes {
		width = max(width, utf8.RuneCountInString(text.Printable(c)))
	}
	return func(name string, top []int, p classify.Prediction) error {
		var line strings.Builder
		for _, i := range top {
			fmt.Fprintf(&line, "%-*s %6.2f %%   ", width, text.Printable(classes[i]), 100*p.Probabilities[i])
		}
		_, err := fmt.Fprintln(w, line.String()+text.Printable(name))
		return err
	}
}

type classProbability struct {
	Class       string  `json:"class"`
	Probability float32 `json:"probability"`
}

// printJSON prints an object per line.
func printJSON(w io.Writer, classes []string) printer {
	e := json.NewEncoder(escape.JSON(w))
	return func(name string, top []int, p classify.Prediction) error {
		line := struct {
			File   string             `json:"file"`
			Top    []classProbability `json:"top"`
			Logits []float32          `json:"logits"` // of all classes, in their order
		}{File: name, Logits: p.Logits}
		for _, i := range top {
			line.Top = append(line.Top, classProbability{classes[i], p.Probabilities[i]})
		}
		return e.Encode(line)
	}
}

// printCSV prints comma-separated values below a header.
func printCSV(w io.Writer, classes []string) printer {
	c := csv.NewWriter(w)
	var header []string
	return func(name string, top []int, p classify.Prediction) error {
		if header == nil {
			header = []string{"file"}
			for i := range top {
				header = append(header, fmt.Sprintf("class_%d", i+1), fmt.Sprintf("probability_%d", i+1))
			}
			c.Write(header)
		}
		row := []string{escape.CSV(name)}
		for _, i := range top {
			row = append(row, escape.CSV(classes[i]), strconv.FormatFloat(float64(p.Probabilities[i]), 'g', -1, 32))
		}
		c.Write(row)
		c.Flush()
		return c.Error()
	}
}
