package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"hymenoptera/internal/escape"
)

// A finding is a line of doctor's.
type finding struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	OK    bool   `json:"ok"`
	Do    string `json:"do,omitempty"` // what to type where it is not right
}

// A diagnosis is all that doctor finds.
type diagnosis struct {
	OK       bool      `json:"ok"`
	Findings []finding `json:"findings"`
}

func newDoctor() *cobra.Command {
	var asJSON bool
	out := "runs"
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check what a training needs on this machine, and say what to type where something is not right",
		Long: "Checks libtorch, processor, CUDA, the picture libraries, caches, free space and write access, and trains a tiny network for a\n" +
			"second. Its exit code is 0 when all is right. The program does not start without libtorch: if the shell or\n" +
			"the system says that libtorch_cpu.so is missing, type: make setup",
		Example: "  hymenoptera doctor\n  hymenoptera doctor --json > report.json",
		Args:    usage(noArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			d := diagnose(cmd.Context(), out)
			if err := d.print(cmd.OutOrStdout(), asJSON); err != nil {
				return err
			}
			if wrong := d.wrong(); wrong > 0 {
				return fmt.Errorf("%d of %d things are not right; what to type is said beside them", wrong, len(d.Findings))
			}
			return cmd.Context().Err()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print everything as JSON, for reports of bugs")
	cmd.Flags().StringVar(&out, "out", out, "folder that runs are to be written into")
	cmd.MarkFlagDirname("out")
	return cmd
}

func diagnose(ctx context.Context, out string) diagnosis {
	d := diagnosis{Findings: []finding{
		checkProgram(), checkLibtorch(), checkCPU(), checkThreads(), checkMalloc(), checkCUDA(), checkPictures(), checkCache(),
		checkFolder("runs", out), checkTraining(ctx),
	}}
	d.OK = d.wrong() == 0
	return d
}

func (d diagnosis) wrong() (n int) {
	for _, f := range d.Findings {
		if !f.OK {
			n++
		}
	}
	return n
}

func (d diagnosis) print(w io.Writer, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(escape.JSON(w))
		e.SetIndent("", "  ")
		return e.Encode(d)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range d.Findings {
		mark := "ok"
		if !f.OK {
			mark = "!!"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\n", mark, f.Name, oneLine(f.Value))
		if f.Do != "" {
			fmt.Fprintf(t, "\t\t-> %s\n", oneLine(f.Do))
		}
	}
	return t.Flush()
}
