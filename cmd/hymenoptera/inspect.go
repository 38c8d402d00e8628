package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"hymenoptera/checkpoint"
	"hymenoptera/internal/cli"
	"hymenoptera/internal/text"
	"hymenoptera/run"
)

func newInspect() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "inspect FILE",
		Short: "Show the contents of a file of weights, without running anything in it",
		Long: "Shows format, tensors, types, shapes, checksums and metadata of a .pth or .safetensors file. It reads and\n" +
			"refuses the same files as train, without libtorch. FILE#PART shows one of several state dicts in a file, as\n" +
			"in model.pth#state_dict_ema. For the folder of a run it shows best.safetensors.",
		Example: "  hymenoptera inspect runs/demo/best.safetensors",
		Args:    cli.OneArg("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := run.Best(args[0])
			if err != nil {
				return err
			}
			r, err := checkpoint.Inspect(file)
			if err != nil {
				return err
			}
			if asJSON {
				return cli.PrintJSON(cmd.OutOrStdout(), r)
			}
			return printReport(cmd.OutOrStdout(), r)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print everything as JSON")
	return cmd
}

func printReport(w io.Writer, r *checkpoint.Report) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "file\t%s\n", r.Path)
	fmt.Fprintf(t, "format\t%s\n", r.Format)
	if r.Wrapper != "" {
		fmt.Fprintf(t, "wrapped in\t%q\n", r.Wrapper)
	}
	fmt.Fprintf(t, "size\t%s bytes\n", text.Thousands(int(r.Size)))
	fmt.Fprintf(t, "sha256\t%s\n", r.SHA256)
	fmt.Fprintf(t, "values\t%s\n", r.Values)
	fmt.Fprintf(t, "tensors\t%s of %s elements\n", text.Thousands(len(r.Tensors)), text.Thousands(int(r.Elements)))
	if r.NonFinite > 0 {
		fmt.Fprintf(t, "not finite\t%s of the values: the training that made them broke down; take weights from before\n", text.Thousands(r.NonFinite))
	}
	for _, k := range slices.Sorted(maps.Keys(r.Metadata)) {
		fmt.Fprintf(t, "metadata\t%s: %s\n", text.Printable(k), text.Printable(r.Metadata[k]))
	}
	fmt.Fprintln(t)
	for _, x := range r.Tensors {
		fmt.Fprintf(t, "%s\t%s\t%v\t%s", text.Printable(x.Name), x.DType, x.Shape, x.SHA256[:16])
		if x.NonFinite > 0 {
			fmt.Fprintf(t, "\t%s NaN or infinite", text.Thousands(x.NonFinite))
		}
		fmt.Fprintln(t)
	}
	return t.Flush()
}
