package main

import (
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"hymenoptera/classify"
	"hymenoptera/dataset"
	"hymenoptera/internal/cli"
	"hymenoptera/internal/escape"
	"hymenoptera/internal/text"
)

// A prediction is a predict command with its flags.
type prediction struct {
	use
	top           int
	asJSON, asCSV bool
	messages      *cli.Messages
}

func newPredict(m *cli.Messages) *cobra.Command {
	p := prediction{top: 3, messages: m}
	cmd := &cobra.Command{
		Use:   "predict IMAGE|DIR|-…",
		Short: "Classify pictures",
		Long: "Classifies files, all pictures in and under folders, and with - the picture on standard input. Folders of any\n" +
			"size take the same memory. For files that cannot be read it prints a warning, and the exit code is 1.",
		Example: "  hymenoptera predict --checkpoint runs/bees/best.safetensors garden.jpg holidays/\n" +
			"  hymenoptera predict --checkpoint runs/bees/best.safetensors --json - < garden.jpg",
		Args: cli.SomeArgs("IMAGE, DIR or -"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := p.check(); err != nil {
				return err
			}
			return p.run(cmd.Context(), args, cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	p.addFlags(cmd)
	p.addTTA(cmd)
	f := cmd.Flags()
	f.IntVar(&p.batch, "batch-size", p.batch, "pictures per step")
	f.IntVar(&p.top, "top", p.top, "classes to name per picture")
	f.BoolVar(&p.asJSON, "json", false, "print an object per line, with the logits of all classes")
	f.BoolVar(&p.asCSV, "csv", false, "print comma-separated values")
	cli.Group(f, cli.GroupMachine, "batch-size")
	cli.Group(f, cli.GroupOutput, "top", "json", "csv")
	return cmd
}

// check returns an error for a mistake in the command line.
func (p *prediction) check() error {
	if err := p.use.check(); err != nil {
		return err
	}
	if p.top < 1 {
		return cli.Usagef("--top %d: want 1 or more", p.top)
	}
	if p.asJSON && p.asCSV {
		return cli.Usagef("--json and --csv do not go together")
	}
	return nil
}

func (p *prediction) run(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) error {
	c, err := p.open(ctx, p.messages)
	if err != nil {
		return err
	}
	defer c.Close()
	sayLeftOut(p.messages, dataset.CountLeftOut(args))
	print := printTable
	switch {
	case p.asJSON:
		print = printJSON
	case p.asCSV:
		print = printCSV
	}
	one := print(stdout, c.Classes)
	var unlisted []error // of folders
	done, bad := 0, 0
	for r, err := range c.Stream(ctx, classify.Pictures(ctx, args, stdin, func(err error) { unlisted = append(unlisted, err) }), fitting(p.batch, c, p.messages), p.threads) {
		if err != nil {
			return err
		}
		if done++; r.Err != nil {
			bad++
			p.messages.Warnf("%v", named(r))
			continue
		}
		if err := one(r.Name, best(r.Probabilities, p.top), r.Prediction); err != nil {
			return err
		}
	}
	for _, err := range unlisted {
		p.messages.Warnf("%v", err)
	}
	switch folders := len(unlisted); {
	case folders > 0:
		return fmt.Errorf("%s of %s pictures could not be read, and %s folders not listed or empty", text.Thousands(bad), text.Thousands(done), text.Thousands(folders))
	case bad > 0:
		return fmt.Errorf("%s of %s pictures could not be read", text.Thousands(bad), text.Thousands(done))
	}
	return nil
}

// named returns a picture's error with its name in it, once.
func named(r classify.Result) error {
	var path *os.PathError
	if errors.As(r.Err, &path) {
		return fmt.Errorf("%s: %w", r.Name, path.Err)
	}
	return fmt.Errorf("%s: %w", r.Name, r.Err)
}

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
