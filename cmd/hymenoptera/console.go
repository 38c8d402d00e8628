package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"hymenoptera/run"
	"hymenoptera/torch/nn"
	"hymenoptera/trainer"
)

// A console is the trainer.Observer of the command: the notebook's log on standard output, progress on
// standard error, files in the run's folder.
type console struct {
	job   *job
	start time.Time // of the training
	bar   *progressbar.ProgressBar
	best  string // digest of the best weights so far
	final string // and of those after the last epoch
}

func newConsole(j *job) *console { return &console{job: j, start: time.Now()} }

// EpochStart implements trainer.Observer.
func (c *console) EpochStart(epoch int) error {
	_, err := fmt.Fprintf(c.job.stdout, "Epoch %d/%d\n%s\n", epoch, c.job.Epochs-1, strings.Repeat("-", 10))
	return err
}

// Step implements trainer.Observer.
func (c *console) Step(epoch int, phase string, done, n int) {
	if c.bar == nil && isTerminal(c.job.stderr) {
		c.bar = progressbar.NewOptions(n, progressbar.OptionSetWriter(c.job.stderr),
			progressbar.OptionSetDescription(fmt.Sprintf("%-5s %d/%d", phase, epoch, c.job.Epochs-1)),
			progressbar.OptionSetItsString("images"), progressbar.OptionShowIts(), progressbar.OptionShowCount(),
			progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish())
	}
	if c.bar != nil {
		c.bar.Set(done)
	}
}

// PhaseEnd implements trainer.Observer.
func (c *console) PhaseEnd(p trainer.Phase) error {
	c.clearBar()
	if _, err := fmt.Fprintf(c.job.stdout, "%s Loss: %.4f Acc: %.4f\n", p.Name, p.Loss, p.Acc); err != nil {
		return err
	}
	c.job.reporter.phaseEnd(p)
	return c.job.folder.Append(p)
}

// Best implements trainer.Observer.
func (c *console) Best(p trainer.Phase) error {
	c.job.reporter.keepBest()
	sd := c.job.bestWeights(p)
	c.best = fmt.Sprintf("%x", sd.SHA256())
	return c.job.folder.SaveBest(sd)
}

// EpochEnd implements trainer.Observer.
func (c *console) EpochEnd(epoch int) error {
	if epoch == c.job.Epochs-1 {
		c.final = fmt.Sprintf("%x", nn.Export(c.job.model).SHA256())
	}
	if epoch == 0 && c.job.Epochs > 1 {
		whole := time.Since(c.start) * time.Duration(c.job.Epochs)
		fmt.Fprintf(c.job.stderr, "about %v for all %d epochs\n", whole.Round(time.Second), c.job.Epochs)
	}
	c.job.reporter.epochEnd()
	_, err := fmt.Fprintln(c.job.stdout)
	return err
}

// end closes the log, with the notebook's last lines and result.json when the training came to its end.
// It returns err, or what went wrong with the log itself.
func (c *console) end(best trainer.Phase, err error) error {
	c.clearBar()
	seconds := time.Since(c.start).Seconds()
	if best.N > 0 {
		fmt.Fprintf(c.job.stderr, "best weights (epoch %d, val accuracy %.4f) in %s\n",
			best.Epoch, best.Acc, filepath.Join(c.job.folder.Path(), run.BestFile))
	} else {
		fmt.Fprintln(c.job.stderr, "no weights were saved")
	}
	c.job.reporter.print(c.job.stderr)
	if err != nil {
		return err
	}
	whole := int(math.Round(seconds))
	if _, err := fmt.Fprintf(c.job.stdout, "Training complete in %dm %ds\nBest val Acc: %.6f\n", whole/60, whole%60, best.Acc); err != nil {
		return err
	}
	return c.job.folder.WriteResult(run.Result{Best: best, Seconds: seconds,
		ReportSeconds: c.job.reporter.spent.Seconds(), PeakMemory: peakMemory(), FinalSHA256: c.final, BestSHA256: c.best})
}

func (c *console) clearBar() {
	if c.bar != nil {
		c.bar.Finish()
		c.bar = nil
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
