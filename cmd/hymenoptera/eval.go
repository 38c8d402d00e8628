package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"hymenoptera/classify"
	"hymenoptera/dataset"
	"hymenoptera/finetune"
	"hymenoptera/internal/cli"
	"hymenoptera/internal/disk"
	"hymenoptera/internal/text"
	"hymenoptera/metrics"
	"hymenoptera/report"
	"hymenoptera/run"
)

// An evaluation is the output of eval.
type evaluation struct {
	Checkpoint string    `json:"checkpoint"`
	Data       string    `json:"data"`
	N          int       `json:"n"`
	Loss       float64   `json:"loss"` // by the criterion of the training
	Acc        float64   `json:"acc"`
	Corrects   int       `json:"corrects"`
	Low        float64   `json:"acc_low"` // 95 % interval
	High       float64   `json:"acc_high"`
	Seconds    float64   `json:"seconds"`
	TTA        string    `json:"tta,omitempty"`  // flip
	Sure       *sureness `json:"sure,omitempty"` // with a threshold
	ECE        float64   `json:"ece"`            // expected calibration error, in 10 bins
	// Temperature is the checkpoint's, and CalibratedECE the error at it; 0 if there is none.
	Temperature   float64      `json:"temperature,omitempty"`
	CalibratedECE float64      `json:"calibrated_ece,omitempty"`
	Classes       []classScore `json:"classes"`
	Confusion     [][]int      `json:"confusion"` // [true class][predicted class]
	// Tied is a later epoch of the training with the same accuracy and a lower loss than the one that was kept.
	Tied    *metrics.Phase `json:"tied,omitempty"`
	trained classify.Card
	mean    metrics.ClassScore // over the classes
}

// withoutCorrupt returns the images of folder that can be read, and warns of the others.
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

// sureness is the share of answers that a threshold leaves, and how many of these are right.
type sureness struct {
	metrics.Cut
	N     int `json:"n"`
	Right int `json:"corrects"`
}

type classScore struct {
	Name string `json:"name"`
	metrics.ClassScore
}

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
	folder, err := finetune.ValidationImages(ctx, v.checkpoint, c.Card, v.data, v.messages.Logger())
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
	if v.skip {
		if folder, err = v.withoutCorrupt(ctx, folder); err != nil {
			return nil, err
		}
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
	e := &evaluation{Checkpoint: v.checkpoint, Data: folder.Root, N: result.N, Loss: result.Loss, Acc: result.Acc,
		Corrects: result.Corrects, Seconds: result.Seconds, trained: c.Card}
	options, err := finetune.ReadOptions(c.Card)
	if err != nil {
		return nil, err
	}
	if v.tta == "flip" {
		e.TTA = v.tta
	}
	if h, err := run.ReadHistory(filepath.Dir(v.checkpoint)); err == nil {
		e.Tied = c.Card.Tied(h, options.Best)
	}
	var predictions []metrics.Prediction
	for i, p := range result.Predictions {
		predictions = append(predictions, metrics.Prediction{Sample: i, Label: result.Labels[i], Probs: metrics.Softmax(p.Logits)})
	}
	if c.Cut.Threshold > 0 {
		e.Sure = newSureness(c.Cut.Threshold, result)
	}
	_, e.ECE = metrics.Calibration(predictions, report.CalibrationBins)
	if t := c.Calibration.Temperature; t != 0 {
		e.Temperature = t
		_, e.CalibratedECE = metrics.Calibration(metrics.AtTemperature(predictions, t), report.CalibrationBins)
	}
	scores := metrics.Score(predictions, len(c.Classes))
	e.Low, e.High = metrics.Wilson(e.Corrects, e.N)
	e.Confusion, e.mean = scores.Confusion, scores.Macro
	for i, s := range scores.Classes {
		e.Classes = append(e.Classes, classScore{c.Classes[i], s})
	}
	return e, nil
}

func newSureness(threshold float64, e *classify.Evaluation) *sureness {
	s := &sureness{}
	for i, p := range e.Predictions {
		if p.Unsure {
			continue
		}
		s.N++
		if p.Best() == e.Labels[i] {
			s.Right++
		}
	}
	s.Cut = metrics.Cut{Threshold: threshold, Precision: metrics.Ratio(s.Right, s.N), Coverage: metrics.Ratio(s.N, e.N)}
	return s
}

// print writes the result first, then the table of the classes.
func (e *evaluation) print(w io.Writer) error {
	fmt.Fprintf(w, "%s\n", text.Printable(e.Data))
	fmt.Fprintf(w, "accuracy %.4f (%d of %d images; 95 %% interval %.3f to %.3f), loss %.4f\n",
		e.Acc, e.Corrects, e.N, e.Low, e.High, e.Loss)
	fmt.Fprintf(w, "in training, epoch %d: accuracy %.4f, loss %.4f\n", e.trained.Epoch, e.trained.Accuracy, e.trained.Loss)
	fmt.Fprintf(w, "calibration error %.4f", e.ECE)
	if e.Temperature != 0 {
		fmt.Fprintf(w, ", at the temperature %.3f that training fitted %.4f", e.Temperature, e.CalibratedECE)
	}
	fmt.Fprintln(w)
	if s := e.Sure; s != nil {
		fmt.Fprintf(w, "sure, from %.2f %% on: %d of %d images (%.1f %%)", 100*s.Threshold, s.N, e.N, 100*s.Coverage)
		if s.N > 0 {
			low, high := metrics.Wilson(s.Right, s.N)
			fmt.Fprintf(w, "; %d of these are right, %.4f (95 %% interval %.3f to %.3f)", s.Right, s.Precision, low, high)
		}
		fmt.Fprintln(w)
	}
	if t := e.Tied; t != nil {
		fmt.Fprintf(w, "epoch %d had the same accuracy and a lower loss, %.4f; the first of equals is kept, as in the notebook\n", t.Epoch, t.Loss)
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "precision\trecall\tF1\timages\tpredicted\t  class")
	for _, c := range e.Classes {
		fmt.Fprintf(t, "%.4f\t%.4f\t%.4f\t%d\t%d\t  %s\n", c.Precision, c.Recall, c.F1, c.Support, c.Predicted, text.Printable(c.Name))
	}
	fmt.Fprintf(t, "%.4f\t%.4f\t%.4f\t%d\t%d\t  mean, and sums\n", e.mean.Precision, e.mean.Recall, e.mean.F1, e.mean.Support, e.mean.Predicted)
	return t.Flush()
}
