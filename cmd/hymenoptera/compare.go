package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"hymenoptera/internal/cli"
	"hymenoptera/internal/text"
	"hymenoptera/report"
	"hymenoptera/run"
)

func newCompare() *cobra.Command {
	var html string
	cmd := &cobra.Command{
		Use:   "compare RUN…",
		Short: "Compare runs: a table, their curves, and which differences mean something",
		Long: "Compares the folders of runs, or logs of other programs: CSV files with the columns epoch, phase, loss and\n" +
			"acc. It ends with which differences are larger than the validation images can tell.",
		Example: "  hymenoptera compare runs/finetune runs/frozen\n" +
			"  hymenoptera compare --html compare.html runs/*",
		Args: cli.SomeArgs("RUN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var c report.Comparison
			for _, path := range args {
				r, err := readRun(path)
				if err != nil {
					return err
				}
				c.Runs = append(c.Runs, r)
			}
			if cmd.Flags().Changed("html") {
				if info, err := os.Stat(html); html == "" || err == nil && !info.Mode().IsRegular() {
					return fmt.Errorf("--html %q: want the name of a file to write", html)
				}
				var page bytes.Buffer
				if err := c.Write(&page); err != nil {
					return err
				}
				if err := renameio.WriteFile(html, page.Bytes(), 0o666); err != nil {
					return fmt.Errorf("--html %s: %w", html, cause(err))
				}
			}
			return printComparison(cmd.OutOrStdout(), c)
		},
	}
	cmd.Flags().StringVar(&html, "html", "", "write the comparison as a page to this file too")
	return cmd
}

// readRun reads a run's folder, or a CSV file.
func readRun(path string) (r report.Run, err error) {
	r.Name = filepath.Base(filepath.Clean(path))
	if info, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return r, fmt.Errorf("no %s: want the folder of a run, or a log as a CSV file", path)
	} else if err != nil {
		return r, err
	} else if !info.IsDir() {
		if r.History, err = run.ReadLog(path); err != nil {
			return r, fmt.Errorf("%s: %w; name the folder of a run, or a CSV file", path, err)
		}
		return r, nil
	}
	if err := run.Settle(path); err != nil {
		return r, err
	}
	r.History, err = run.ReadHistory(path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, fmt.Errorf("%s is not the folder of a run: it holds no history.jsonl", path)
	}
	if err != nil {
		return r, err
	}
	for i, p := range r.History {
		if err := p.Check(); err != nil {
			return r, fmt.Errorf("%s line %d: %w", filepath.Join(path, run.HistoryFile), i+1, err)
		}
	}
	if len(r.History.Of("val")) == 0 {
		return r, fmt.Errorf("%s: the run has not finished an epoch: there is nothing to compare", path)
	}
	var config run.Setup
	result, resultErr := run.ReadResult(path) // not there while the training goes on
	answers, answersErr := run.ReadPredictions(path)
	for _, err := range []error{run.ReadConfig(path, &config), resultErr, answersErr} {
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return r, err
		}
	}
	if config.Trainable < 0 || config.Trainable > config.Parameters {
		return r, fmt.Errorf("%s: %d of %d parameters cannot be trainable", filepath.Join(path, run.ConfigFile), config.Trainable, config.Parameters)
	}
	if result.PeakMemory < 0 {
		return r, fmt.Errorf("%s: peak_memory %d: want 0 or more", filepath.Join(path, run.ResultFile), result.PeakMemory)
	}
	r.Trainable, r.Parameters, r.Memory = config.Trainable, config.Parameters, result.PeakMemory
	r.Answers = map[string]bool{}
	for _, a := range answers {
		r.Answers[a.File] = a.Label == a.Predicted
	}
	return r, nil
}

// printComparison writes table, curves and verdicts for a terminal, 110 columns wide.
func printComparison(w io.Writer, c report.Comparison) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "\trun\t%s\n", strings.Join(report.FactNames(), "\t"))
	var accuracies, losses [][]float64
	for i, r := range c.Runs {
		fmt.Fprintf(t, "%s\t%s\t%s\n", report.Letter(i), text.Short(text.Printable(r.Name), 30), strings.Join(r.Facts(), "\t"))
		var acc, loss []float64
		for _, p := range r.History.Of("val") {
			acc, loss = append(acc, p.Acc), append(loss, p.Loss)
		}
		accuracies, losses = append(accuracies, acc), append(losses, loss)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, plot := range []struct {
		title string
		lines [][]float64
	}{{"validation accuracy", accuracies}, {"validation loss", losses}} {
		fmt.Fprintf(w, "\n%s by epoch (* where curves meet)\n%s", plot.title, report.Plot(plot.lines, 72, 14))
	}
	fmt.Fprintln(w)
	for _, v := range c.Verdicts() {
		fmt.Fprintf(w, "%s\n    %s\n", c.Sentence(v), v.Evidence)
	}
	_, err := fmt.Fprintln(w, c.Scale())
	return err
}
