package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

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
		Short: "Compare runs: a table, their curves, and the differences that are larger than chance",
		Long: "Compares the folders of runs, or logs of other programs: CSV files with the columns epoch, phase, loss and\n" +
			"acc. It ends with the differences that are larger than chance explains.",
		Example: "  hymenoptera compare runs/finetune runs/frozen\n" +
			"  hymenoptera compare --html compare.html runs/*",
		Args: cli.SomeArgs("RUN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var c report.Comparison
			for _, path := range args {
				s, err := run.ReadSummary(path)
				if err != nil {
					return err
				}
				c.Runs = append(c.Runs, report.Run(s))
			}
			if cmd.Flags().Changed("html") {
				if info, err := os.Stat(html); html == "" || err == nil && !info.Mode().IsRegular() {
					return fmt.Errorf("--html %q: want the name of a file to write", html)
				}
				var page bytes.Buffer
				if err := c.Write(&page); err != nil {
					return err
				}
				if err := cli.WriteFile(html, page.Bytes()); err != nil {
					return fmt.Errorf("--html: %w", err)
				}
			}
			return printComparison(cmd.OutOrStdout(), c)
		},
	}
	cmd.Flags().StringVar(&html, "html", "", "also write the comparison to this file, as a page")
	return cmd
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
