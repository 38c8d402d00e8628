package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"hymenoptera/classify"
	"hymenoptera/internal/escape"
	"hymenoptera/internal/text"
)

// unsure is the answer of a prediction below the threshold.
const unsure = "unsure"

// A printer prints a picture's prediction at once, so that predictions need not be kept. top has the classes to print.
type printer func(name string, top []int, p classify.Prediction) error

// printTable prints columns for people: the classes by probability, then the file.
func printTable(w io.Writer, c *classify.Classifier) printer {
	width := 0
	for _, class := range c.Classes {
		width = max(width, utf8.RuneCountInString(text.Printable(class)))
	}
	return func(name string, top []int, p classify.Prediction) error {
		var line strings.Builder
		switch {
		case p.Unsure:
			fmt.Fprintf(&line, "%s   ", unsure)
		case c.Cut.Threshold > 0:
			fmt.Fprintf(&line, "%*s   ", len(unsure), "")
		}
		for _, i := range top {
			fmt.Fprintf(&line, "%-*s %6.2f %%   ", width, text.Printable(c.Classes[i]), 100*p.Probabilities[i])
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
func printJSON(w io.Writer, c *classify.Classifier) printer {
	e := json.NewEncoder(escape.JSON(w))
	return func(name string, top []int, p classify.Prediction) error {
		line := struct {
			File   string             `json:"file"`
			Unsure *bool              `json:"unsure,omitempty"` // with a threshold
			Top    []classProbability `json:"top"`
			Logits []float32          `json:"logits"` // of all classes, in their order
		}{File: name, Logits: p.Logits}
		if c.Cut.Threshold > 0 {
			line.Unsure = &p.Unsure
		}
		for _, i := range top {
			line.Top = append(line.Top, classProbability{c.Classes[i], p.Probabilities[i]})
		}
		return e.Encode(line)
	}
}

// printCSV prints comma-separated values below a header.
func printCSV(w io.Writer, c *classify.Classifier) printer {
	rows := csv.NewWriter(w)
	var header []string
	return func(name string, top []int, p classify.Prediction) error {
		if header == nil {
			header = []string{"file"}
			for i := range top {
				header = append(header, fmt.Sprintf("class_%d", i+1), fmt.Sprintf("probability_%d", i+1))
			}
			if c.Cut.Threshold > 0 {
				header = append(header, unsure)
			}
			rows.Write(header)
		}
		row := []string{escape.CSV(name)}
		for _, i := range top {
			row = append(row, escape.CSV(c.Classes[i]), strconv.FormatFloat(float64(p.Probabilities[i]), 'g', -1, 32))
		}
		if c.Cut.Threshold > 0 {
			row = append(row, strconv.FormatBool(p.Unsure))
		}
		rows.Write(row)
		rows.Flush()
		return rows.Error()
	}
}
