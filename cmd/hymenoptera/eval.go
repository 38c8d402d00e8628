package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"hymenoptera/classify"
	"hymenoptera/dataset"
	"hymenoptera/internal/escape"
	"hymenoptera/internal/machine"
	"hymenoptera/metrics"
)

// An evaluation is what eval prints.
type evaluation struct {
	Checkpoint string       `json:"checkpoint"`
	Data       string       `json:"data"`
	N          int          `json:"n"`
	Loss       float64      `json:"loss"` // by the criterion of the training
	Acc        float64      `json:"acc"`
	Corrects   int          `json:"corrects"`
	Low        float64      `json:"acc_low"` // 95 % interval
	High       float64      `json:"acc_high"`
	Seconds    float64      `json:"seconds"`
	Classes    []classScore `json:"classes"`
	Confusion  [][]int      `json:"confusion"` // [true class][predicted class]
	// Tied is a later epoch of the training with the same accuracy and a lower loss than the one that was kept.
	Tied    *metrics.Phase `json:"tied,omitempty"`
	trained classify.Card
	mean    metrics.ClassScore // over the classes
}

type classScore struct {
	Name      string  `json:"name"`
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
	F1        float64 `json:"f1"`
	Images    int     `json:"images"`
	Predicted int     `json:"predicted"`
}

func newEval(m *messages) *cobra.Command {
	var u use
	var asJSON bool
	var data string
	var classes []string
	batch := 32
	cmd := &cobra.Command{
		Use:   "eval",
		Short: "Measure a trained network on labelled pictures: loss, accuracy, a table of the classes",
		Long: "Passes what the training validated with through the network, or the val folder of another --data (where it\n" +
			"has none, its class folders). Its classes may be some of the network's; --classes leaves out others.",
		Example: "  hymenoptera eval --checkpoint runs/bees/best.safetensors\n" +
			"  hymenoptera eval --checkpoint runs/bees/best.safetensors --data more_insects",
		Args: usage(noArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := u.check(); err != nil {
				return err
			}
			if err := checkBatchSize(batch); err != nil {
				return err
			}
			if err := checkClasses(classes); err != nil {
				return err
			}
			e, err := evaluate(cmd.Context(), u, data, classes, batch, m)
			if err != nil {
				return err
			}
			if asJSON {
				enc := json.NewEncoder(escape.JSON(cmd.OutOrStdout()))
				enc.SetIndent("", "  ")
				return enc.Encode(e)
			}
			return e.print(cmd.OutOrStdout())
		},
	}
	u.addFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&data, "data", data, "folder with val/<class>/, or with the class folders themselves (default what it was trained on)")
	f.StringSliceVar(&classes, "classes", classes, "the class folders to use, with commas between them (default all)")
	f.IntVar(&batch, "batch-size", batch, "images a step")
	f.BoolVar(&asJSON, "json", false, "print everything as JSON")
	inGroup(f, groupData, "data", "classes")
	inGroup(f, groupMachine, "batch-size")
	inGroup(f, groupOutput, "json")
	cmd.MarkFlagDirname("data")
	return cmd
}

func evaluate(ctx context.Context, u use, data string, classes []string, batch int, m *messages) (*evaluation, error) {
	c, err := u.open(ctx, m.warnOnce())
	if err != nil {
		return nil, err
	}
	defer c.Close()
	folder, err := validationSet(ctx, c, data, m)
	if err != nil {
		return nil, err
	}
	if len(classes) > 0 {
		if folder, err = folder.Only(classes); err != nil {
			return nil, err
		}
	}
	m.leftOut(folder.LeftOut)
	root := folder.Root
	m.debug("%s: %d images of %s", root, len(folder.Samples), shortList(folder.Classes))
	result, err := c.Evaluate(ctx, folder, fitting(batch, c, m), u.threads)
	if err != nil {
		known := slices.DeleteFunc(slices.Clone(folder.Classes), func(class string) bool { return !slices.Contains(c.Classes, class) })
		if len(known) > 0 && len(known) < len(folder.Classes) {
			err = fmt.Errorf("%w; --classes %s leaves the others out", err, strings.Join(known, ","))
		}
		return nil, err
	}
	e := &evaluation{Checkpoint: u.checkpoint, Data: root, N: result.N, Loss: result.Loss, Acc: result.Acc,
		Corrects: result.Corrects, Seconds: result.Seconds, trained: c.Card}
	e.Tied = tied(filepath.Dir(u.checkpoint), c.Card)
	var predictions []metrics.Prediction
	for i, p := range result.Predictions {
		predictions = append(predictions, metrics.Prediction{Sample: i, Label: result.Labels[i], Probs: metrics.Softmax(p.Logits)})
	}
	scores := metrics.Score(predictions, len(c.Classes))
	e.Low, e.High = metrics.Wilson(e.Corrects, e.N)
	e.Confusion, e.mean = scores.Confusion, scores.Macro
	for i, s := range scores.Classes {
		e.Classes = append(e.Classes, classScore{c.Classes[i], s.Precision, s.Recall, s.F1, s.Support, s.Predicted})
	}
	return e, nil
}

// tied returns a later epoch with the accuracy of a checkpoint's and a lower loss; nil where there is none, or no history
// of the checkpoint in folder.
func tied(folder string, trained classify.Card) *metrics.Phase {
	h, err := readHistory(folder)
	if err != nil {
		return nil
	}
	if best, ok := h.Best(); !ok || best.Epoch != trained.Epoch || best.Acc != trained.Accuracy || best.Loss != trained.Loss {
		return nil
	}
	return h.Tied()
}

// validationSet lists what a network is measured on: what its training validated with, where data is the same folder
// or not named.
func validationSet(ctx context.Context, c *classify.Classifier, data string, m *messages) (*dataset.ImageFolder, error) {
	trained := options{}
	if err := json.Unmarshal(c.Config, &trained); err != nil {
		return nil, fmt.Errorf("the metadata of the checkpoint are damaged: config is %.200q", c.Config)
	}
	if data == "" {
		if data = trained.Data; !isFolder(data) {
			return nil, fmt.Errorf("%s, which the network was trained with, is not there: name a folder of pictures with --data", data)
		}
	}
	if info, err := os.Stat(data); filepath.Clean(data) != filepath.Clean(trained.Data) && !(err == nil && sameFile(trained.Data, info)) {
		if val := filepath.Join(data, "val"); isFolder(val) {
			data = val
		} else if trained.ValFraction > 0 {
			m.warn("the training kept a share of %s for validation: where %s is a copy of that, most of its pictures were trained with", trained.Data, data)
		}
		return dataset.NewImageFolder(data)
	}
	_, val, err := trained.layout().Open(data)
	if err != nil || !trained.SkipCorrupt {
		return val, err
	}
	broken, err := val.Broken(ctx, machine.This().Processors())
	if err != nil {
		return nil, err
	}
	if len(broken) > 0 {
		m.warn("left out %d of %d images, as in training", len(broken), len(val.Samples))
	}
	return val.Without(broken)
}

// print writes the result first, then the table of the classes.
func (e *evaluation) print(w io.Writer) error {
	fmt.Fprintf(w, "%s\n", printable(e.Data))
	fmt.Fprintf(w, "accuracy %.4f (%d of %d images; 95 %% interval %.3f to %.3f), loss %.4f\n",
		e.Acc, e.Corrects, e.N, e.Low, e.High, e.Loss)
	fmt.Fprintf(w, "in training, epoch %d: accuracy %.4f, loss %.4f\n", e.trained.Epoch, e.trained.Accuracy, e.trained.Loss)
	if t := e.Tied; t != nil {
		fmt.Fprintf(w, "epoch %d had the same accuracy and a lower loss, %.4f; the first of equals is kept, as in the notebook\n", t.Epoch, t.Loss)
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "precision\trecall\tF1\timages\tpredicted\t  class")
	for _, c := range e.Classes {
		fmt.Fprintf(t, "%.4f\t%.4f\t%.4f\t%d\t%d\t  %s\n", c.Precision, c.Recall, c.F1, c.Images, c.Predicted, printable(c.Name))
	}
	fmt.Fprintf(t, "%.4f\t%.4f\t%.4f\t%d\t%d\t  mean, and sums\n", e.mean.Precision, e.mean.Recall, e.mean.F1, e.mean.Support, e.mean.Predicted)
	return t.Flush()
}
