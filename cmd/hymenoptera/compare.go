package main

import (
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"hymenoptera/internal/cli"
	"hymenoptera/internal/disk"
	"hymenoptera/internal/text"
	"hymenoptera/report"
	"hymenoptera/run"
)

func newCompare(m *cli.Messages) *cobra.Command {
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
			if err := checkOutputs([]flagPath{{"html", html}}, args...); err != nil {
				return err
			}
			var c report.Comparison
			for _, path := range args {
				s, err := run.ReadSummary(path)
				if err != nil {
					return err
				}
				c.Runs = append(c.Runs, report.Run(s))
			}
			if html != "" {
				for i, r := range c.Runs {
					c.Runs[i].Report = linkFrom(html, r.Report)
				}
				if err := disk.Replace(disk.OS{}, html, c.Write); err != nil {
					return fmt.Errorf("--html: %w", err)
				}
				m.Infof("the comparison as a page: %s", html)
			}
			return printComparison(cmd.OutOrStdout(), c)
		},
	}
	cmd.Flags().StringVar(&html, "html", "", "also write the comparison to this file, as a page")
	return cmd
}

// linkFrom returns the link from one page to another, or "" if to cannot be reached from there.
func linkFrom(page, to string) string {
	from, err := filepath.Abs(filepath.Dir(page))
	target, errTo := filepath.Abs(to)
	if err != nil || errTo != nil || to == "" {
		return ""
	}
	link, err := filepath.Rel(from, target)
	if err != nil {
		return ""
	}
	return (&url.URL{Path: filepath.ToSlash(link)}).String()
}

// printComparison writes table, curves and verdicts for a terminal, 110 columns wide.
func printComparison(w io.Writer, c report.Comparison) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "\trun\t%s\n", strings.Join(c.FactNames(), "\t"))
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
	if err := printLines(w, "options that differ", c.Options(), len(c.Runs)); err != nil {
		return err
	}
	if err := printLines(w, "recall of each class", c.Recalls(), len(c.Runs)); err != nil {
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

// end returns the last n letters of a text; of a path these are the most useful.
func end(s string, n int) string {
	if letters := []rune(s); len(letters) > n {
		return "…" + string(letters[len(letters)-n+1:])
	}
	return s
}

// printLines writes a table with a column per run, or nothing if it is empty.
func printLines(w io.Writer, title string, lines []report.Line, runs int) error {
	if len(lines) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "\n%s", title)
	for i := range runs {
		fmt.Fprintf(t, "\t%s", report.Letter(i))
	}
	fmt.Fprintln(t)
	for _, l := range lines {
		fmt.Fprint(t, text.Short(text.Printable(l.Name), 30))
		for _, v := range l.Values {
			fmt.Fprintf(t, "\t%s", end(text.Printable(v), 24))
		}
		fmt.Fprintln(t)
	}
	return t.Flush()
}
