package report

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// A Phase is one pass over a set, as history.jsonl has it.
type Phase struct {
	Epoch    int     `json:"epoch"`
	Name     string  `json:"phase"` // "train" or "val"
	Loss     float64 `json:"loss"`
	Acc      float64 `json:"acc"`
	Corrects int     `json:"corrects"`
	N        int     `json:"n"`
	LR       float64 `json:"lr"`
	Seconds  float64 `json:"seconds"`
	Wait     float64 `json:"wait"`
}

// A History is the phases of a training in the order in which they ended.
type History []Phase

// Of returns the phases of that name.
func (h History) Of(name string) History {
	var out History
	for _, p := range h {
		if p.Name == name {
			out = append(out, p)
		}
	}
	return out
}

// Best returns the first validation phase with the highest accuracy. It is false when none got any image
// right.
func (h History) Best() (best Phase, ok bool) {
	for _, p := range h.Of("val") {
		if p.Acc > best.Acc {
			best, ok = p, true
		}
	}
	return best, ok
}

// Rates returns the epochs that began with another learning rate than the one before, with the new rate.
func (h History) Rates() []Phase {
	var out []Phase
	train := h.Of("train")
	for i, p := range train {
		if i > 0 && p.LR != train[i-1].LR {
			out = append(out, p)
		}
	}
	return out
}

// Rate returns the images a second of the training phases, 0 when that cannot be told.
func (h History) Rate() float64 {
	n, seconds := 0, 0.0
	for _, p := range h.Of("train") {
		n, seconds = n+p.N, seconds+p.Seconds
	}
	if seconds <= 0 {
		return 0
	}
	return float64(n) / seconds
}

// Seconds returns the time that all phases took.
func (h History) Seconds() (sum float64) {
	for _, p := range h {
		sum += p.Seconds
	}
	return sum
}

// Wait returns the share of that time in which no batch was ready.
func (h History) Wait() (share float64) {
	for _, p := range h {
		share += p.Wait
	}
	return share / max(h.Seconds(), 1e-9)
}

// ReadCSV reads a log from elsewhere: a table with the columns epoch, phase, loss and acc, in any order.
func ReadCSV(r io.Reader) (History, error) {
	rows := csv.NewReader(r)
	head, err := rows.Read()
	if err != nil {
		return nil, fmt.Errorf("report: the first line of a log: %w", err)
	}
	column := map[string]int{}
	for i, name := range head {
		column[name] = i
	}
	for _, name := range []string{"epoch", "phase", "loss", "acc"} {
		if _, ok := column[name]; !ok {
			return nil, fmt.Errorf("report: a log needs the columns epoch, phase, loss and acc: %s is missing", name)
		}
	}
	var h History
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return h, nil
		}
		if err != nil {
			return nil, fmt.Errorf("report: %w", err)
		}
		p := Phase{Name: row[column["phase"]]}
		p.Epoch, err = strconv.Atoi(row[column["epoch"]])
		if err == nil {
			p.Loss, err = strconv.ParseFloat(row[column["loss"]], 64)
		}
		if err == nil {
			p.Acc, err = strconv.ParseFloat(row[column["acc"]], 64)
		}
		if err == nil && p.Name != "train" && p.Name != "val" {
			err = fmt.Errorf("phase %q: want train or val", p.Name)
		}
		if err != nil {
			line, _ := rows.FieldPos(0)
			return nil, fmt.Errorf("report: line %d of a log: %w", line, err)
		}
		h = append(h, p)
	}
}
