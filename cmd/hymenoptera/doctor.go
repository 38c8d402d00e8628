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

// A diagnosis is what doctor prints.
type diagnosis struct {
	OK       bool             `json:"ok"`
	Findings []doctor.Finding `json:"findings"`
}

func newDoctor() *cobra.Command {
	var asJSON bool
	out := "runs"
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check this machine for all that a training needs, and suggest commands for what is missing",
		Long: "Checks libtorch, processor, CUDA, the picture libraries, caches, free space and write access, and trains a tiny network for a\n" +
			"second. Its exit code is 0 when all is right. The program does not start without libtorch: if the shell or\n" +
			"the system says that libtorch_cpu.so is missing, type: make setup",
		Example: "  hymenoptera doctor\n  hymenoptera doctor --json > report.json",
		Args:    cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d := diagnosis{Findings: doctor.Check(cmd.Context(), out)}
			wrong := 0
			for _, f := range d.Findings {
				if !f.OK {
					wrong++
				}
			}
			d.OK = wrong == 0
			print := d.print
			if asJSON {
				print = func(w io.Writer) error { return cli.PrintJSON(w, d) }
			}
			if err := print(cmd.OutOrStdout()); err != nil {
				return err
			}
			if wrong > 0 {
				return fmt.Errorf("%d of %d things are not right; see the suggested commands above", wrong, len(d.Findings))
			}
			return cmd.Context().Err()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print everything as JSON, for reports of bugs")
	cmd.Flags().StringVar(&out, "out", out, "folder that runs are to be written into")
	cmd.MarkFlagDirname("out")
	return cmd
}

func (d diagnosis) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range d.Findings {
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
