package main

import (
	"bytes"
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
	"hymenoptera/internal/disk"
	"hymenoptera/internal/regular"
	"hymenoptera/onnx"
	"hymenoptera/run"
	"hymenoptera/zoo"
)

// exportFormats are the values of --format.
var exportFormats = []string{"pth", "safetensors", "onnx"}

// exportEndings are the endings of --out that say which format it has.
var exportEndings = map[string]string{".pth": "pth", ".pt": "pth", ".safetensors": "safetensors", ".onnx": "onnx"}

// exportInputs are the values of --input.
var exportInputs = []string{string(onnx.Picture), string(onnx.Tensor)}

// exportFormat returns the format of the file to: that of its ending, which wanted must not contradict, or wanted,
// which is empty where --format was not given.
func exportFormat(to, wanted string) (string, error) {
	format := exportEndings[strings.ToLower(filepath.Ext(to))]
	switch {
	case format == "" && wanted == "":
		return "", cli.Usagef("--out %s: want an ending of .pth, .pt, .safetensors or .onnx, which decides the format", to)
	case format == "":
		return wanted, nil
	case wanted != "" && wanted != format:
		return "", cli.Usagef("--out %s: the ending is not that of --format %s: leave out --format, or choose another ending", to, wanted)
	}
	return format, nil
}

func newExport() *cobra.Command {
	var from, to, format string
	input := exportInputs[0]
	var overwrite bool
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write a trained network for PyTorch or ONNX",
		Long: "Writes a trained network to a file. The ending of --out decides the format. A .pth or .pt file holds a state dict that\n" +
			"torchvision's network of that name loads strictly; a .safetensors file also has the metadata of best.safetensors.\n" +
			"An .onnx file holds the network itself, for onnxruntime; it takes a picture of any size as bytes or, with\n" +
			"--input tensor, a prepared batch. The command prints a program in Python that classifies a picture with the file.",
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
			switch {
			case !slices.Contains(exportInputs, input):
				return cli.Usagef("--input %q: want one of %s", input, strings.Join(exportInputs, ", "))
			case cmd.Flags().Changed("input") && format != "onnx":
				return cli.Usagef("--input has no effect on a file of the format %s", format)
			}
			if from, err = run.Best(from); err != nil {
				return err
			}
			if err := checkOutputs([]flagPath{{"out", to}}); err != nil {
				return err
			}
			if info, err := os.Lstat(to); err == nil && !overwrite {
				return fmt.Errorf("%s is there already; choose another --out, or add --overwrite", to)
			} else if err == nil && !info.Mode().IsRegular() {
				return fmt.Errorf("%s is not a regular file; choose another --out", to) // a device, say, which renaming would replace
			} else if err == nil && regular.Same(from, to) {
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
			python := card.Python(to, format, sd.Metadata[zoo.TransformInputKey] == "false")
			switch format {
			case "pth":
				err = checkpoint.WritePTH(to, sd)
			case "safetensors":
				err = checkpoint.WriteSafetensors(to, sd)
			case "onnx":
				if python = ""; onnx.Input(input) == onnx.Picture {
					python = onnx.Python(to, card.Preprocessing.Upright)
				}
				err = writeONNX(to, sd, card, onnx.Input(input))
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), python)
			return err
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&from, "checkpoint", "", "a run's folder, or its best.safetensors")
	f.StringVar(&format, "format", "", "format of a file with another ending: "+strings.Join(exportFormats, ", "))
	f.StringVar(&input, "input", input, "input of an .onnx file: picture (bytes H×W×3 of any size) or tensor (floats N×3×S×S, normalised)")
	f.StringVar(&to, "out", "", "the file to write")
	f.BoolVar(&overwrite, "overwrite", false, "replace a file that is there")
	cli.Group(f, cli.GroupData, "checkpoint")
	cli.Group(f, cli.GroupOutput, "format", "input", "out", "overwrite")
	cli.Complete(cmd, "format", exportFormats...)
	cli.Complete(cmd, "input", exportInputs...)
	cmd.MarkFlagFilename("checkpoint", "safetensors")
	return cmd
}

// writeONNX writes a trained network as an ONNX file.
func writeONNX(to string, sd *checkpoint.StateDict, card classify.Card, input onnx.Input) error {
	var file bytes.Buffer
	err := onnx.Write(&file, onnx.Model{Network: card.Model, Weights: sd, Classes: card.Classes, Preprocessing: card.Preprocessing,
		TransformInput: sd.Metadata[zoo.TransformInputKey] != "false",
		Metadata: map[string]string{"model": card.Model, "version": card.Version, "epoch": sd.Metadata["epoch"],
			"accuracy": sd.Metadata["accuracy"], "loss": sd.Metadata["loss"]}}, input)
	if err != nil {
		return err
	}
	return disk.Replace(disk.OS{}, to, disk.Bytes(file.Bytes()))
}
