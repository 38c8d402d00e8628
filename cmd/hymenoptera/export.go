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
	"hymenoptera/zoo"
)

// exportFormats are what --format offers.
var exportFormats = []string{"pth", "safetensors"}

func newExport() *cobra.Command {
	var from, to, format string
	var overwrite bool
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write a trained network for PyTorch",
		Long: "Writes the weights of a trained network as a state dict that torchvision's network of that name loads strictly:\n" +
			"--format pth for torch.load(weights_only=True), which has the weights alone; --format safetensors also keeps\n" +
			"what best.safetensors says of itself. What to type in Python is printed.",
		Example: "  hymenoptera export --checkpoint runs/bees/best.safetensors --format pth --out bees.pth",
		Args:    usage(noArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("format") && filepath.Ext(to) == ".safetensors" {
				format = "safetensors"
			}
			switch {
			case from == "":
				return usageError{errors.New("--checkpoint is missing: name the best.safetensors of a run")}
			case to == "":
				return usageError{errors.New("--out is missing: name the file to write")}
			case !slices.Contains(exportFormats, format):
				return usageError{fmt.Errorf("--format %q: want one of %s", format, strings.Join(exportFormats, ", "))}
			}
			if info, err := os.Lstat(to); err == nil && !overwrite {
				return fmt.Errorf("%s is there already; choose another --out, or add --overwrite", to)
			} else if err == nil && !info.Mode().IsRegular() {
				return fmt.Errorf("%s is no regular file; choose another --out", to) // a device, say, which renaming would replace
			} else if err == nil && sameFile(from, info) {
				return fmt.Errorf("%s is the checkpoint itself, which holds more than what is exported; choose another --out", to)
			} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			sd, card, err := readTrained(from)
			if err != nil {
				return err
			}
			write := checkpoint.WritePTH
			if format == "safetensors" {
				write = checkpoint.WriteSafetensors
			}
			if err := write(to, sd); err != nil {
				return err
			}
			fmt.Fprint(cmd.OutOrStdout(), inPython(card, sd.Metadata, to, format))
			return nil
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&from, "checkpoint", "", "best.safetensors of a run")
	f.StringVar(&format, "format", exportFormats[0], "of the file: "+strings.Join(exportFormats, ", ")+"; the latter by itself for an --out that ends in it")
	f.StringVar(&to, "out", "", "the file to write")
	f.BoolVar(&overwrite, "overwrite", false, "replace a file that is there")
	inGroup(f, groupData, "checkpoint")
	inGroup(f, groupOutput, "format", "out", "overwrite")
	complete(cmd, "format", exportFormats...)
	cmd.MarkFlagFilename("checkpoint", "safetensors")
	return cmd
}

func sameFile(path string, info fs.FileInfo) bool {
	other, err := os.Stat(path)
	return err == nil && os.SameFile(other, info)
}

// readTrained reads the best.safetensors of a run.
func readTrained(path string) (sd *checkpoint.StateDict, card classify.Card, err error) {
	if sd, err = checkpoint.Read(path); err != nil {
		return nil, card, err
	}
	if card, err = classify.ReadCard(sd.Metadata); err != nil {
		return nil, card, fmt.Errorf("%s: %w", path, err)
	}
	return sd, card, nil
}

// inPython says how to load the file.
func inPython(card classify.Card, metadata map[string]string, file, format string) string {
	options := ""
	if card.Model == "googlenet" {
		transform := "True"
		if metadata[zoo.TransformInputKey] == "false" {
			transform = "False"
		}
		options = ", aux_logits=False, init_weights=False, transform_input=" + transform
	}
	load, imports := fmt.Sprintf("torch.load(%q, weights_only=True)", file), "torch, torchvision"
	if format == "safetensors" {
		load, imports = fmt.Sprintf("safetensors.torch.load_file(%q)", file), "safetensors.torch, torchvision"
	}
	return fmt.Sprintf("import %s\nmodel = torchvision.models.%s(num_classes=%d%s)\nmodel.load_state_dict(%s)\nmodel.eval()  # classes: %s\n",
		imports, card.Model, len(card.Classes), options, load, printable(strings.Join(card.Classes, ", ")))
}
