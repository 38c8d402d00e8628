package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
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

// An exporting is an export command with its flags.
type exporting struct {
	from, to, format, input string
	overwrite               bool
}

func newExport() *cobra.Command {
	e := exporting{input: exportInputs[0]}
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
			if err := e.check(cmd.Flags().Changed); err != nil {
				return err
			}
			return e.run(cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&e.from, "checkpoint", "", "a run's folder, or its best.safetensors")
	f.StringVar(&e.format, "format", "", "format of a file with another ending: "+strings.Join(exportFormats, ", "))
	f.StringVar(&e.input, "input", e.input, "input of an .onnx file: picture (bytes H×W×3 of any size) or tensor (floats N×3×S×S, normalised)")
	f.StringVar(&e.to, "out", "", "the file to write")
	f.BoolVar(&e.overwrite, "overwrite", false, "replace a file that is there")
	cli.Group(f, cli.GroupData, "checkpoint")
	cli.Group(f, cli.GroupOutput, "format", "input", "out", "overwrite")
	cli.Complete(cmd, "format", exportFormats...)
	cli.Complete(cmd, "input", exportInputs...)
	cmd.MarkFlagFilename("checkpoint", "safetensors")
	return cmd
}

// check returns an error for a mistake in the command line, and finds the checkpoint and the format.
func (e *exporting) check(given func(flag string) bool) (err error) {
	switch {
	case e.from == "":
		return errNoCheckpoint()
	case e.to == "":
		return cli.Usagef("--out is missing: name the file to write")
	case e.format != "" && !slices.Contains(exportFormats, e.format):
		return cli.Usagef("--format %q: want one of %s", e.format, strings.Join(exportFormats, ", "))
	}
	if err := e.takeEnding(); err != nil {
		return err
	}
	switch {
	case !slices.Contains(exportInputs, e.input):
		return cli.Usagef("--input %q: want one of %s", e.input, strings.Join(exportInputs, ", "))
	case given("input") && e.format != "onnx":
		return cli.Usagef("--input has no effect on a file of the format %s", e.format)
	}
	if e.from, err = run.Best(e.from); err != nil {
		return err
	}
	if err := checkOutputs([]flagPath{{"out", e.to}}); err != nil {
		return err
	}
	switch info, err := os.Lstat(e.to); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !e.overwrite:
		return fmt.Errorf("%s is there already; choose another --out, or add --overwrite", e.to)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a regular file; choose another --out", e.to) // renaming would replace it, even a device
	case regular.Same(e.from, e.to):
		return fmt.Errorf("%s is the checkpoint itself, which holds more than what is exported; choose another --out", e.to)
	}
	return nil
}

// takeEnding takes the format from the ending of --out, which --format must not contradict.
func (e *exporting) takeEnding() error {
	format := exportEndings[strings.ToLower(filepath.Ext(e.to))]
	switch {
	case format == "" && e.format == "":
		return cli.Usagef("--out %s: want an ending of .pth, .pt, .safetensors or .onnx, which decides the format", e.to)
	case format != "" && e.format != "" && e.format != format:
		return cli.Usagef("--out %s: the ending is not that of --format %s: leave out --format, or choose another ending", e.to, e.format)
	}
	e.format = cmp.Or(format, e.format)
	return nil
}

func (e *exporting) run(stdout io.Writer) error {
	sd, card, err := classify.Read(e.from)
	if err != nil {
		return err
	}
	if err := sd.CheckFinite(); err != nil {
		return fmt.Errorf("%s: %w", e.from, err)
	}
	python := card.Python(e.to, e.format, sd.Metadata[zoo.TransformInputKey] == "false")
	switch e.format {
	case "pth":
		err = checkpoint.WritePTH(e.to, sd)
	case "safetensors":
		err = checkpoint.WriteSafetensors(e.to, sd)
	case "onnx":
		if python = ""; onnx.Input(e.input) == onnx.Picture {
			python = onnx.Python(e.to, card.Preprocessing.Upright)
		}
		err = writeONNX(e.to, sd, card, onnx.Input(e.input))
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(stdout, python)
	return err
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
