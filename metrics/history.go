package metrics

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// A Phase is the result of one pass over a set, a line of history.jsonl.
type Phase struct {
	Epoch    int     `json:"epoch"`
	Name     string  `json:"phase"` // "train" or "val"
	Loss     float64 `json:"loss"`  // mean over the images
	Acc      float64 `json:"acc"`   // Corrects / N
	Corrects int     `json:"corrects"`
	N        int     `json:"n"`  // images
	LR       float64 `json:"lr"` // when the phase began
	Seconds  float64 `json:"seconds"`
	Wait     float64 `json:"wait"`               // seconds in which no batch was ready, part of Seconds
	MacroF1  float64 `json:"macro_f1,omitempty"` // mean F1 of the classes; only in validation phases, with ByMacroF1
}

// Check returns an error for numbers that no training produces and no curve can show.
func (p Phase) Check() error {
	const most = 1e9 // of a loss, of seconds; a curve's axis ends somewhere
	switch {
	case p.Name != "train" && p.Name != "val":
		return fmt.Errorf("phase %.40q: want train or val", p.Name)
	case p.Epoch < 0 || p.Epoch > 1e9:
		return fmt.Errorf("epoch %d: want 0 or more", p.Epoch)
	case !(math.Abs(p.Loss) <= most):
		return fmt.Errorf("loss %v: want a finite number of at most %v", p.Loss, float64(most))
	case !(p.Acc >= 0 && p.Acc <= 1):
		return fmt.Errorf("acc %v: want a share from 0 to 1", p.Acc)
	case p.N < 0 || p.N > most:
		return fmt.Errorf("n %d: want a number of images from 0 to %v", p.N, float64(most))
	case p.Corrects < 0 || p.Corrects > p.N:
		return fmt.Errorf("corrects %d: want 0 to the %d images", p.Corrects, p.N)
	case !(p.MacroF1 >= 0 && p.MacroF1 <= 1):
		return fmt.Errorf("macro_f1 %v: want a share from 0 to 1", p.MacroF1)
	case !(p.Seconds >= 0 && p.Seconds <= most) || !(p.Wait >= 0 && p.Wait <= most):
		return fmt.Errorf("seconds %v and wait %v: want 0 to %v", p.Seconds, p.Wait, float64(most))
	}
	return nil
}

// A History is the phases of a training in the order in which they ended.
type History []Phase

// Of returns the phases with a name, train or val.
func (h History) Of(name string) History {
	var out History
	for _, p := range h {
		if p.Name == name {
			out = append(out, p)
		}
	}
	return out
}

// Best returns the best validation phase. ok is false if there is none, or if none got an image right.
func (h History) Best(rule Rule) (best Phase, ok bool) {
	for _, p := range h.Of("val") {
		if rule.Better(p, best) {
			best, ok = p, true
		}
	}
	return best, ok
}

// Tied returns the validation phase with the lowest loss among those after the best one that have the same accuracy and a
// lower loss. It returns nil if there is none, or if the rule is not ByAccuracy.
func (h History) Tied(rule Rule) (tied *Phase) {
	best, ok := h.Best(rule)
	if !ok || rule == ByLoss || rule == ByMacroF1 {
		return nil
	}
	least := best.Loss
	for _, p := range h.Of("val") {
		if p.Epoch > best.Epoch && p.Acc == best.Acc && p.Loss < least {
			tied, least = &p, p.Loss
		}
	}
	return tied
}

// BestOrLast returns the best validation phase, or the last one if none got an image right.
func (h History) BestOrLast(rule Rule) Phase {
	if b, ok := h.Best(rule); ok {
		return b
	}
	if val := h.Of("val"); len(val) > 0 {
		return val[len(val)-1]
	}
	return Phase{}
}

// Rates returns the epochs whose learning rate differs from that of the epoch before, with the new rate.
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

// Rate returns the images per second of the training phases, 0 if unknown.
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

// Wait returns the share of the time of all phases in which no batch was ready.
func (h History) Wait() (share float64) {
	for _, p := range h {
		share += p.Wait
	}
	return share / max(h.Seconds(), 1e-9)
}

// ReadCSV reads a log of another program: a table with the columns epoch, phase, loss and acc, in any order.
func ReadCSV(r io.Reader) (History, error) {
	rows := csv.NewReader(r)
	head, err := rows.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("metrics: the log is empty")
	}
	if err != nil {
		return nil, fmt.Errorf("metrics: the first line of a log: %w", err)
	}
	column := map[string]int{}
	for i, name := range head {
		column[strings.TrimPrefix(name, "\ufeff")] = i // some programs begin with a byte order mark
	}
	for _, name := range []string{"epoch", "phase", "loss", "acc"} {
		if _, ok := column[name]; !ok {
			return nil, fmt.Errorf("metrics: a log needs the columns epoch, phase, loss and acc: %s is missing", name)
		}
	}
	var h History
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			if len(h.Of("val")) == 0 {
				return nil, errors.New("metrics: the log has no val phase")
			}
			return h, nil
		}
		if err != nil {
			return nil, fmt.Errorf("metrics: %w", err)
		}
		cell := func(name string) string { return row[column[name]] }
		var errs [3]error
		p := Phase{Name: cell("phase")}
		p.Epoch, errs[0] = strconv.Atoi(cell("epoch"))
		p.Loss, errs[1] = strconv.ParseFloat(cell("loss"), 64)
		p.Acc, errs[2] = strconv.ParseFloat(cell("acc"), 64)
		err = p.Check()
		for i, name := range []string{"epoch", "loss", "acc"} {
			if errs[i] != nil {
				err = fmt.Errorf("%s %.40q: want a number", name, cell(name))
				break
			}
		}
		if err != nil {
			line, _ := rows.FieldPos(0)
			return nil, fmt.Errorf("metrics: line %d of a log: %w", line, err)
		}
		h = append(h, p)
	}
}
