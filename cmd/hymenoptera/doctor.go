package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"hymenoptera/internal/cli"
	"hymenoptera/internal/doctor"
	"hymenoptera/internal/text"
)

func newDoctor() *cobra.Command {
	var asJSON bool
	out := "runs"
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check this machine for everything that a training needs, and suggest commands for what is missing",
		Long: "Checks libtorch, processor, CUDA, the picture libraries, caches, free space and write access, and trains a tiny network for a\n" +
			"second. The exit code is 0 if everything is right. The program does not start without libtorch: if the shell\n" +
			"says that libtorch_cpu.so is missing, type: make setup",
		Example: "  hymenoptera doctor\n  hymenoptera doctor --json > report.json",
		Args:    cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d := doctor.Check(cmd.Context(), out)
			if asJSON {
				if err := cli.PrintJSON(cmd.OutOrStdout(), d); err != nil {
					return err
				}
			} else if err := printFindings(cmd.OutOrStdout(), d.Findings); err != nil {
				return err
			}
			if !d.OK {
				return fmt.Errorf("%d of %d things are not right; see the suggested commands above", d.Wrong, len(d.Findings))
			}
			return cmd.Context().Err()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print everything as JSON, for reports of bugs")
	cmd.Flags().StringVar(&out, "out", out, "folder for runs, to check its free space")
	cmd.MarkFlagDirname("out")
	return cmd
}

func printFindings(w io.Writer, findings []doctor.Finding) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range findings {
		mark := "ok"
		if !f.OK {
			mark = "!!"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\n", mark, f.Name, text.OneLine(f.Value))
		if f.Do != "" {
			fmt.Fprintf(t, "\t\t-> %s\n", text.OneLine(f.Do))
		}
	}
	return t.Flush()
}
