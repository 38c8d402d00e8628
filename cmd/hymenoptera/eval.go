package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"hymenoptera/classify"
	"hymenoptera/dataset"
	"hymenoptera/finetune"
	"hymenoptera/internal/cli"
	"hymenoptera/internal/disk"
	"hymenoptera/internal/text"
	"hymenoptera/run"
)

// An evaluate is an eval command with its flags.
type evaluate struct {
	use
	data     string
	classes  []string
	skip     bool   // corrupt images
	report   string // file
	messages *cli.Messages
}

func newEval(m *cli.Messages) *cobra.Command {
	v := evaluate{messages: m}
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "eval",
		Short: "Measure a trained network on labelled pictures: loss, accuracy, a table of the classes",
		Long: "Runs the network on the images that its training validated with, or on the val folder of another --data (without\n" +
			"val, on its class folders). A set may lack some of the network's classes; --classes leaves out classes that the\n" +
			"network does not have. The config.json beside the checkpoint names the folder of the training.",
		Example: "  hymenoptera eval --checkpoint runs/bees/best.safetensors\n" +
			"  hymenoptera eval --checkpoint runs/bees/best.safetensors --data more_insects",
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := v.check(); err != nil {
				return err
			}
			if err := finetune.CheckClasses(v.classes); err != nil {
				return &cli.UsageError{Err: withFlags(err)}
			}
			if err := checkOutputs([]flagPath{{"report", v.report}}, v.checkpoint); err != nil {
				return err
			}
			e, err := v.run(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return cli.PrintJSON(cmd.OutOrStdout(), e)
			}
			return e.print(cmd.OutOrStdout())
		},
	}
	v.addFlags(cmd)
	v.addTTA(cmd)
	f := cmd.Flags()
	f.StringVar(&v.data, "data", "", "folder with val/<class>/, or with the class folders themselves, or a folder or an address with tar shards (default the folder of the training)")
	f.StringSliceVar(&v.classes, "classes", nil, "the class folders to use, with commas between them (default all)")
	f.IntVar(&v.batch, "batch-size", v.batch, "images per step")
	f.BoolVar(&v.skip, "skip-corrupt", false, "leave out images that cannot be read, with a warning for each")
	f.StringVar(&v.report, "report", "", "file for a page with the results and the pictures, as report.html of a training")
	f.BoolVar(&asJSON, "json", false, "print everything as JSON")
	cli.Group(f, cli.GroupData, "data", "classes", "skip-corrupt")
	cli.Group(f, cli.GroupMachine, "batch-size")
	cli.Group(f, cli.GroupOutput, "report", "json")
	cmd.MarkFlagDirname("data")
	cmd.MarkFlagFilename("report", "html")
	return cmd
}

func (v *evaluate) run(ctx context.Context) (*evaluation, error) {
	c, err := v.open(ctx, v.messages)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	folder, err := v.images(ctx, c.Card)
	if err != nil {
		return nil, err
	}
	v.messages.Debugf("%s: %d images of %s", folder.Root, len(folder.Samples), text.Few(folder.Classes, 3))
	result, err := c.Evaluate(ctx, folder, fitting(v.batch, c, v.messages), v.threads)
	if err != nil {
		known := slices.DeleteFunc(slices.Clone(folder.Classes), func(class string) bool { return !slices.Contains(c.Classes, class) })
		if len(known) > 0 && len(known) < len(folder.Classes) {
			err = fmt.Errorf("%w; --classes %s leaves the others out", err, strings.Join(known, ","))
		}
		return nil, err
	}
	if v.report != "" {
		page, err := finetune.EvaluationReport(ctx, v.checkpoint, c.Card, result)
		if err == nil {
			err = disk.Replace(disk.OS{}, v.report, page.Write)
		}
		if err != nil {
			return nil, fmt.Errorf("--report: %w", err)
		}
		v.messages.Infof("the results as a page: %s", v.report)
	}
	e := newEvaluation(c, result)
	e.Checkpoint = v.checkpoint
	if v.tta == "flip" {
		e.TTA = v.tta
	}
	options, err := finetune.ReadOptions(c.Card)
	if err != nil {
		return nil, err
	}
	if h, err := run.ReadHistory(filepath.Dir(v.checkpoint)); err == nil {
		e.Tied = c.Card.Tied(h, options.Best)
	}
	return e, nil
}

// images lists the images to evaluate on.
func (v *evaluate) images(ctx context.Context, card classify.Card) (*dataset.ImageFolder, error) {
	folder, err := finetune.ValidationImages(ctx, v.checkpoint, card, v.data, v.messages.Logger())
	if noData := (*finetune.NoDataError)(nil); errors.As(err, &noData) {
		err = fmt.Errorf("%w: name a folder of pictures with --data", err)
	}
	if option := (*finetune.OptionError)(nil); errors.As(err, &option) {
		err = &cli.UsageError{Err: withFlags(err)}
	}
	if err != nil {
		return nil, adviseIndex(err)
	}
	if len(v.classes) > 0 {
		if folder, err = folder.Only(v.classes); err != nil {
			return nil, err
		}
	}
	sayLeftOut(v.messages, folder.LeftOut)
	if !v.skip {
		return folder, nil
	}
	return v.withoutCorrupt(ctx, folder)
}

// withoutCorrupt returns the images of folder that can be read, and warns about the others.
func (v *evaluate) withoutCorrupt(ctx context.Context, folder *dataset.ImageFolder) (*dataset.ImageFolder, error) {
	broken, err := folder.Broken(ctx, v.threads)
	if err != nil {
		return nil, err
	}
	for _, b := range broken {
		v.messages.Warnf("left out: %v", b)
	}
	return folder.Without(broken)
}
