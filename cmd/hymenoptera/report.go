package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"path/filepath"
	"strings"
	"time"

	"hymenoptera/dataset"
	"hymenoptera/gradcam"
	"hymenoptera/internal/mt19937"
	"hymenoptera/report"
	"hymenoptera/run"
	"hymenoptera/torch"
	"hymenoptera/trainer"
	"hymenoptera/transforms"
)

// How many pictures a report shows: the notebook's six, and the most confident mistakes.
const (
	examples = 6
	mistakes = 6
)

// A reporter makes a run's pictures and report.html. It takes what the training computes anyway: the first
// batch, and the logits of the validation images. It draws nothing from libtorch's generator, and what goes
// wrong with it is told and does not end a training.
type reporter struct {
	job    *job
	page   report.Page
	spent  time.Duration
	broken bool // an error was told already

	first  []float32 // the first batch, until its picture is made
	labels []int64   // and its classes

	val, best []report.Prediction // of this epoch and of the best
}

func newReporter(j *job) (*reporter, error) {
	r := &reporter{job: j}
	how := "every layer trained"
	if j.Freeze {
		how = "frozen, a new head trained"
	}
	if j.Probe {
		how = "frozen, a new head trained on features computed once"
	}
	r.page = report.Page{
		Title:   fmt.Sprintf("%s, %s, on %s", j.Model, how, filepath.Base(filepath.Clean(j.Data))),
		Classes: j.classes, Epochs: j.Epochs, Command: j.options.command(),
		Config: j.options.fields(), Machine: machine(j.device, j.Threads),
	}
	if j.Beneath == "" {
		return r, nil
	}
	var err error
	r.page.BeneathName = filepath.Base(j.Beneath)
	if r.page.Beneath, err = readLog(j.Beneath); err != nil {
		return nil, fmt.Errorf("--beneath %s: %w", j.Beneath, err)
	}
	return r, nil
}

// timed runs f and counts its time; its error is told once.
func (r *reporter) timed(f func() error) {
	start := time.Now()
	err := f()
	r.spent += time.Since(start)
	if err != nil && !r.broken {
		r.broken = true
		r.job.messages.warn("the report is not complete: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
}

// batch is the trainer's Batch hook.
func (r *reporter) batch(phase string, b *dataset.Batch, logits *torch.Tensor) {
	r.timed(func() error {
		if phase == "train" {
			if r.labels == nil && !r.job.Probe { // whose batches are no pictures
				r.first = append([]float32{}, b.Images...)
				if r.job.train.ChannelsLast() {
					r.first = planar(b.Images, r.job.ImageSize*r.job.ImageSize)
				}
				r.labels = append([]int64{}, b.Labels...)
			}
			return nil
		}
		return torch.Do(context.Background(), func(s *torch.Scope) error {
			all := torch.Float32s(s, torch.To(s, torch.Detach(s, logits), torch.CPU)) // N×classes
			classes := len(all) / b.N
			for i, sample := range b.Indices {
				r.val = append(r.val, report.Prediction{Sample: sample, Label: int(b.Labels[i]),
					Probs: report.Softmax(all[i*classes : (i+1)*classes])})
			}
			return nil
		})
	})
}

// planar returns samples of pixels×3 as 3×pixels.
func planar(samples []float32, pixels int) []float32 {
	out := make([]float32, len(samples))
	for i, v := range samples {
		sample, rest := i/(3*pixels), i%(3*pixels)
		out[sample*3*pixels+rest%3*pixels+rest/3] = v
	}
	return out
}

// phaseEnd adds a phase to the curves.
func (r *reporter) phaseEnd(p trainer.Phase) {
	r.page.History = append(r.page.History, report.Phase(p))
}

// keepBest makes the predictions of this epoch those of the best weights.
func (r *reporter) keepBest() { r.best = r.val }

// epochEnd replaces report.html.
func (r *reporter) epochEnd() {
	r.timed(func() error {
		r.page.Predictions = r.best
		if r.best == nil { // nothing right yet
			r.page.Predictions = r.val
		}
		r.val = nil
		err := r.grid()
		if r.page.Train.Images == nil {
			r.summarise()
		}
		if r.page.Running() { // the last one is written by end
			err = errors.Join(err, r.write())
		}
		return err
	})
}

// grid writes the picture of the first batch, once.
func (r *reporter) grid() error {
	if r.first == nil {
		return nil
	}
	side := r.job.ImageSize
	grid := report.Grid(r.first, side, side, transforms.Train(side))
	var labels []int
	for _, l := range r.labels {
		labels = append(labels, int(l))
	}
	r.first = nil
	picture := report.GridPicture(grid, labels, r.job.classes)
	r.page.Grid = report.Embed(picture)
	return r.picture("grid.png", picture)
}

// end makes what the training shows, after a failure too. The model holds the best weights; saved is the phase whose
// weights best.safetensors holds.
func (r *reporter) end(ctx context.Context, s *torch.Scope, saved trainer.Phase, failure error) {
	if len(r.page.History) == 0 {
		return
	}
	if r.best != nil {
		r.page.Predictions = r.best
	}
	if best, ok := r.page.History.Best(); ok && saved.N == 0 {
		r.page.Unsaved = "The weights could not be saved."
	} else if ok && saved.Epoch != best.Epoch {
		r.page.Unsaved = fmt.Sprintf("The best weights could not be saved: best.safetensors holds those of epoch %d, with an accuracy of %.1f %%.", saved.Epoch, 100*saved.Acc)
	}
	r.timed(func() error {
		err := r.grid()
		if failure != nil {
			r.page.Stopped = shortened(oneLine(failure.Error()), 300)
			if cause := context.Cause(ctx); cause != nil {
				r.page.Stopped = cause.Error()
			}
		}
		if len(r.page.Predictions) > 0 {
			// This is what is under way when the first Ctrl-C comes, and it takes a moment.
			err = errors.Join(err, r.show(context.WithoutCancel(ctx), s), r.predictions())
		}
		r.page.Machine = append(r.page.Machine, report.Field{Name: "peak memory", Value: fmt.Sprintf("%.2f GB", float64(peakMemory())/1e9)})
		return errors.Join(err, r.curves(), r.write())
	})
}

// curves writes curves.png and curves.svg.
func (r *reporter) curves() error {
	c := report.Curves{History: r.page.History, Beneath: r.page.Beneath, BeneathName: r.page.BeneathName}
	var png, svg bytes.Buffer
	if err := errors.Join(c.WritePNG(&png), c.WriteSVG(&svg)); err != nil {
		return err
	}
	return errors.Join(r.job.folder.Write("curves.png", png.Bytes()), r.job.folder.Write("curves.svg", svg.Bytes()))
}

// show makes the pictures of single validation images.
func (r *reporter) show(ctx context.Context, s *torch.Scope) error {
	order := make([]int, len(r.page.Predictions))
	mt19937.Perm(mt19937.New(r.job.Seed), order) // a generator of its own
	bySample := make([]report.Prediction, len(order))
	for _, p := range r.page.Predictions {
		bySample[p.Sample] = p
	}
	var chosen []report.Prediction
	for _, sample := range order[:min(examples, len(order))] {
		chosen = append(chosen, bySample[sample])
	}
	n := len(chosen)
	chosen = append(chosen, report.MostConfidentMistakes(r.page.Predictions, mistakes)...)
	all, err := r.examples(ctx, s, chosen)
	if err != nil {
		return err
	}
	r.page.Examples, r.page.Mistakes = all[:n], all[n:]
	return r.picture("predictions.png", report.Predictions(all[:n], r.job.classes))
}

// examples reads the images of predictions again and looks where the network looked.
func (r *reporter) examples(ctx context.Context, s *torch.Scope, ps []report.Prediction) ([]report.Example, error) {
	val, side := r.job.sets[1], r.job.ImageSize
	some := &dataset.ImageFolder{Root: val.Root, Classes: val.Classes}
	var classes []int64
	for _, p := range ps {
		some.Samples = append(some.Samples, val.Samples[p.Sample])
		classes = append(classes, int64(p.Predicted()))
	}
	tf := transforms.Eval(side)
	loader, err := dataset.NewLoader(some, tf, dataset.LoaderConfig{BatchSize: len(ps)})
	if err != nil {
		return nil, err
	}
	epoch := loader.Epoch(ctx, mt19937.New(r.job.Seed))
	defer epoch.Close()
	b, err := epoch.Next()
	if err != nil {
		return nil, err
	}
	defer b.Release()
	var maps []gradcam.Map
	if net, ok := r.job.model.(gradcam.Network); ok {
		c := s.Child()
		defer c.Close()
		images := torch.FromFloat32s(c, b.Images, int64(b.N), 3, int64(side), int64(side))
		if maps, err = gradcam.Compute(c, net, torch.To(c, images, r.job.device), classes); err != nil {
			return nil, err
		}
	}
	var out []report.Example
	for i, p := range ps {
		each := len(b.Images) / b.N
		e := report.Example{Prediction: p, File: r.file(p.Sample), Picture: report.Picture(b.Images[i*each:(i+1)*each], side, side, tf)}
		if maps != nil {
			e.CAM, e.CAMSize = maps[i].Values, image.Pt(maps[i].Width, maps[i].Height)
		}
		out = append(out, e)
	}
	return out, nil
}

// file returns a validation image's path below the set's folder.
func (r *reporter) file(sample int) string {
	val := r.job.sets[1]
	rel, err := filepath.Rel(val.Root, val.Samples[sample].Path)
	if err != nil {
		return val.Samples[sample].Path
	}
	return filepath.ToSlash(rel)
}

// predictions writes predictions.json.
func (r *reporter) predictions() error {
	ps := []run.Prediction{}
	for _, p := range r.page.Predictions {
		ps = append(ps, run.Prediction{File: r.file(p.Sample), Label: r.job.classes[p.Label],
			Predicted: r.job.classes[p.Predicted()], Confidence: p.Confidence()})
	}
	return r.job.folder.WritePredictions(ps)
}

func (r *reporter) write() error {
	var b bytes.Buffer
	if err := r.page.Write(&b); err != nil {
		return err
	}
	return r.job.folder.Write(run.ReportFile, b.Bytes())
}

func (r *reporter) picture(name string, m image.Image) error {
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, m); err != nil {
		return err
	}
	return r.job.folder.Write(name, b.Bytes())
}
