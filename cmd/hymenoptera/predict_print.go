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

// A printer writes a picture's prediction at once, so that nothing is kept of it. top are the classes to name.
type printer interface {
	print(name string, classes []string, top []int, p classify.Prediction) error
}

func (p *prediction) printer(w io.Writer, classes []string) printer {
	switch {
	case p.asJSON:
		return jsonPrinter{json.NewEncoder(escape.JSON(w))}
	case p.asCSV:
		return &csvPrinter{w: csv.NewWriter(w)}
	}
	return tablePrinter{w: w, width: widest(classes)}
}

// best returns the k most probable classes, the first of several equal ones first.
func best(probabilities []float32, k int) []int {
	order := make([]int, len(probabilities))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(probabilities[b], probabilities[a]) })
	return order[:min(k, len(order))]
}

// widest returns the letters of the longest class name.
func widest(classes []string) (n int) {
	for _, c := range classes {
		n = max(n, utf8.RuneCountInString(text.Printable(c)))
	}
	return n
}

// A tablePrinter writes columns for people: the classes by probability, then the file.
type tablePrinter struct {
	w     io.Writer
	width int
}

func (t tablePrinter) print(name string, classes []string, top []int, p classify.Prediction) error {
	var line strings.Builder
	for _, i := range top {
		fmt.Fprintf(&line, "%-*s %6.2f %%   ", t.width, text.Printable(classes[i]), 100*p.Probabilities[i])
	}
	_, err := fmt.Fprintln(t.w, line.String()+text.Printable(name))
	return err
}

// A jsonPrinter writes an object a line.
type jsonPrinter struct{ e *json.Encoder }

type classProbability struct {
	Class       string  `json:"class"`
	Probability float32 `json:"probability"`
}

func (j jsonPrinter) print(name string, classes []string, top []int, p classify.Prediction) error {
	line := struct {
		File   string             `json:"file"`
		Top    []classProbability `json:"top"`
		Logits []float32          `json:"logits"` // of all classes, in their order
	}{File: name, Logits: p.Logits}
	for _, i := range top {
		line.Top = append(line.Top, classProbability{classes[i], p.Probabilities[i]})
	}
	return j.e.Encode(line)
}

// A csvPrinter writes comma-separated values below a header.
type csvPrinter struct {
	w      *csv.Writer
	header bool // written
}

func (c *csvPrinter) print(name string, classes []string, top []int, p classify.Prediction) error {
	if !c.header {
		header := []string{"file"}
		for i := range top {
			header = append(header, fmt.Sprintf("class_%d", i+1), fmt.Sprintf("probability_%d", i+1))
		}
		if err := c.w.Write(header); err != nil {
			return err
		}
		c.header = true
	}
	row := []string{escape.CSV(name)}
	for _, i := range top {
		row = append(row, escape.CSV(classes[i]), strconv.FormatFloat(float64(p.Probabilities[i]), 'g', -1, 32))
	}
	if err := c.w.Write(row); err != nil {
		return err
	}
	c.w.Flush()
	return c.w.Error()
}
