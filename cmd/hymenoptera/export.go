package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"hymenoptera/checkpoint"
	"hymenoptera/classify"
	"hymenoptera/internal/cli"
	"hymenoptera/run"
	"hymenoptera/zoo"
)

// exportFormats are what --format offers.
var exportFormats = []string{"pth", "safetensors"}

// exportEndings are the endings of --out that say which format it has.
var exportEndings = map[string]string{".pth": "pth", ".pt": "pth", ".safetensors": "safetensors"}

// exportFormat returns the format of the file to: that of its ending, which wanted must not contradict, or wanted,
// which is empty where --format was not given.
func exportFormat(to, wanted string) (string, error) {
	ending := strings.ToLower(filepath.Ext(to))
	format := exportEndings[ending]
	const list = "want an ending of .pth, .pt or .safetensors"
	switch {
	case ending == ".onnx":
		return "", cli.Usagef("--out %s: ONNX is not written here: export a .pth, and give the network to torch.onnx.export in Python; %s", to, list)
	case format == "" && wanted == "":
		return "", cli.Usagef("--out %s: %s, which decides the format", to, list)
	case format == "":
		return wanted, nil
	case wanted != "" && wanted != format:
		return "", cli.Usagef("--out %s: the ending is not that of --format %s: leave out --format, or choose another ending", to, wanted)
	}
	return format, nil
}

func newExport() *cobra.Command {
	var from, to, format string
	var overwrite bool
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write a trained network for PyTorch",
		Long: "Writes the weights of a trained network as a state dict that torchvision's network of that name loads strictly.\n" +
			"The ending of --out decides the format: .pth or .pt for torch.load(weights_only=True), which holds only the weights;\n" +
			".safetensors also keeps the metadata of best.safetensors. A program in Python\n" +
			"that prepares a picture in the same way and prints its class goes to standard output.",
		Example: "  hymenoptera export --checkpoint runs/bees/best.safetensors --out bees.pth >bees.py\n" +
			"  python bees.py picture.jpg",
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case from == "":
				return errNoCheckpoint()
			case to == "":
				return cli.Usagef("--out is missing: name the file to write")
			case format != "" && !slices.Contains(exportFormats, format):
				return cli.Usagef("--format %q: want one of %s", format, strings.Join(exportFormats, ", "))
			}
			format, err := exportFormat(to, format)
			if err != nil {
				return err
			}
			if from, err = run.Best(from); err != nil {
				return err
			}
			if info, err := os.Lstat(to); err == nil && !overwrite {
				return fmt.Errorf("%s is there already; choose another --out, or add --overwrite", to)
			} else if err == nil && !info.Mode().IsRegular() {
				return fmt.Errorf("%s is no regular file; choose another --out", to) // a device, say, which renaming would replace
			} else if err == nil && isCheckpoint(from, info) {
				return fmt.Errorf("%s is the checkpoint itself, which holds more than what is exported; choose another --out", to)
			} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			sd, card, err := classify.Read(from)
			if err != nil {
				return err
			}
			if err := sd.CheckFinite(); err != nil {
				return fmt.Errorf("%s: %w", from, err)
			}
			write := checkpoint.WritePTH
			if format == "safetensors" {
				write = checkpoint.WriteSafetensors
			}
			if err := write(to, sd); err != nil {
				return err
			}
			fmt.Fprint(cmd.OutOrStdout(), card.Python(to, format, sd.Metadata[zoo.TransformInputKey] == "false"))
			return nil
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&from, "checkpoint", "", "a run's folder, or its best.safetensors")
	f.StringVar(&format, "format", "", "of a file with another ending: "+strings.Join(exportFormats, ", "))
	f.StringVar(&to, "out", "", "the file to write")
	f.BoolVar(&overwrite, "overwrite", false, "replace a file that is there")
	cli.Group(f, cli.GroupData, "checkpoint")
	cli.Group(f, cli.GroupOutput, "format", "out", "overwrite")
	cli.Complete(cmd, "format", exportFormats...)
	cmd.MarkFlagFilename("checkpoint", "safetensors")
	return cmd
}

func isCheckpoint(path string, info fs.FileInfo) bool {
	checkpoint, err := os.Stat(path)
	return err == nil && os.SameFile(checkpoint, info)
}
