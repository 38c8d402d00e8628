package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"hymenoptera/checkpoint"
	"hymenoptera/internal/escape"
	"hymenoptera/metrics"
	"hymenoptera/report"
	"hymenoptera/run"
	"hymenoptera/torch"
	"hymenoptera/torch/nn"
)

// A console holds the trainer's hooks of the command: the notebook's log on standard output, progress on
// standard error, files in the run's folder. Files come first, so that nothing is lost with the log.
type console struct {
	job   *job
	start time.Time // of the training
	bar   *progressbar.ProgressBar
	saved metrics.Phase // whose weights best.safetensors holds; N is 0 while there are none
	best  string        // their digest
	work  background    // that writes best.safetensors beside the training
	wrote error         // what went wrong with it
	final string        // and of those after the last epoch
	stuck stuckness
	lost  error // of the log of a validation phase, whose weights are to be saved first
}

func newConsole(j *job) *console { return &console{job: j, start: time.Now()} }

// epochStart begins the notebook's log of an epoch.
func (c *console) epochStart(epoch int) error {
	return c.log("Epoch %d/%d\n%s\n", epoch, c.job.Epochs-1, strings.Repeat("-", 10))
}

// log writes to the notebook's log.
func (c *console) log(format string, args ...any) error {
	if c.job.messages.quiet || c.job.messages.json() {
		return nil
	}
	_, err := fmt.Fprintf(c.job.stdout, format, args...)
	return logError(err)
}

// logJSON writes a line of --log-format json in the place of the notebook's log.
func (c *console) logJSON(v any) error {
	if c.job.messages.quiet || !c.job.messages.json() {
		return nil
	}
	return logError(json.NewEncoder(escape.JSON(c.job.stdout)).Encode(v))
}

// logError explains why a training ends whose log nobody reads any more.
func logError(err error) error {
	switch {
	case errors.Is(err, syscall.EPIPE):
		return errors.New("stopped: standard output was closed; --quiet trains without a log")
	case errors.Is(err, syscall.EIO):
		return fmt.Errorf("stopped: %w; where the terminal was closed, nohup trains on without it", err)
	}
	return err
}

// step draws the bar.
func (c *console) step(epoch int, phase string, done, n int) {
	if c.bar == nil && done > 0 && c.job.messages.bars() {
		c.bar = progressbar.NewOptions(n, progressbar.OptionSetWriter(c.job.messages.w),
			progressbar.OptionSetDescription(fmt.Sprintf("%-5s %d/%d", phase, epoch, c.job.Epochs-1)),
			progressbar.OptionSetItsString("images"), progressbar.OptionShowIts(), progressbar.OptionShowCount(),
			progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish())
		if !styleOf(c.job.messages).bars { // a terminal without block characters
			progressbar.OptionSetTheme(progressbar.ThemeASCII)(c.bar)
		}
	}
	if c.bar != nil {
		c.bar.Set(done)
	}
}

// phaseEnd logs a phase and writes its line to the history.
func (c *console) phaseEnd(p metrics.Phase) error {
	c.clearBar()
	c.job.reporter.phaseEnd(p)
	if err := c.job.folder.Append(p); err != nil {
		return err
	}
	err := errors.Join(c.logJSON(p), c.log("%s Loss: %.4f Acc: %.4f\n", p.Name, p.Loss, p.Acc))
	if p.Name == "val" {
		c.lost, err = err, nil
	}
	return err
}

// newBest saves the weights of a phase that is better than all before it.
func (c *console) newBest(p metrics.Phase) error {
	c.job.reporter.keepBest()
	return c.save(p)
}

// save begins to write best.safetensors. While an earlier one is still being written, this one waits for its turn.
func (c *console) save(p metrics.Phase) error {
	if err := c.failed(); err != nil {
		return err
	}
	sd, err := c.job.bestWeights(p)
	if err != nil {
		return err
	}
	c.work.start(func() {
		if c.wrote = c.job.folder.SaveBest(sd); c.wrote == nil {
			c.saved, c.best = p, digest(sd)
		}
	})
	return nil
}

// failed returns what went wrong with best.safetensors, if nothing of it is being written.
func (c *console) failed() error {
	if c.work.busy() {
		return nil
	}
	return c.wrote
}

// written waits until best.safetensors is written and returns what went wrong with it.
func (c *console) written() error {
	c.work.wait()
	return c.wrote
}

// epochEnd ends the notebook's log of an epoch and says what went wrong meanwhile.
func (c *console) epochEnd(epoch int) error {
	if epoch == c.job.Epochs-1 {
		c.final = digest(nn.Export(c.job.model))
	}
	if c.job.mode.Device == torch.CPU && epoch == 0 && c.job.Epochs > 1 && !c.job.Probe { // a GPU's first epoch says nothing
		whole := time.Since(c.start) * time.Duration(c.job.Epochs)
		c.job.messages.info("about %v for all %d epochs", whole.Round(time.Second), c.job.Epochs)
	}
	if hint := c.stuck.hint(c.job.reporter.val, c.job.classes); hint != "" {
		c.job.messages.info("%s", hint)
	}
	c.job.reporter.epochEnd()
	if c.lost != nil {
		return errors.Join(c.lost, c.written())
	}
	if err := c.failed(); err != nil {
		return err
	}
	return c.log("\n")
}

// secure sees to it that the folder holds the best weights so far, which the model holds: it makes one that has vanished
// again, and tries again what could not be written. After a failure, weights that got nothing right do not replace an old
// run.
func (c *console) secure(best metrics.Phase, failure error) error {
	err := c.written()
	if failure != nil && best.Corrects == 0 && c.job.folder.KeepsOld() {
		return err
	}
	if c.job.folder.Vanished() {
		c.saved = metrics.Phase{}
		if err := c.job.folder.Restore(); err != nil {
			return err
		}
		c.job.messages.warn("%s was removed; it is there again with all so far", c.job.folder.Path())
		err = nil
	}
	if best.N == 0 || c.saved == best {
		return err
	}
	c.wrote = nil
	again := errors.Join(torch.Do(context.Background(), func(*torch.Scope) error { return c.save(best) }), c.written())
	if again == nil || err == nil {
		return again
	}
	return err // as it was told first
}

// end closes the log, with the notebook's last lines and result.json when the training came to its end.
// It returns err, or what went wrong with the log itself.
func (c *console) end(best metrics.Phase, err error) error {
	c.clearBar()
	seconds := time.Since(c.start).Seconds()
	result := run.Result{Best: best, Seconds: seconds, ReportSeconds: time.Duration(c.job.reporter.spent.Load()).Seconds(), PeakMemory: peakMemory(),
		FinalSHA256: c.final, BestSHA256: c.best}
	if err == nil {
		c.job.reporter.print()
		if c.job.mode.Device != torch.CPU {
			result.PeakGPUMemory = torch.MemoryOf(c.job.mode.Device).Peak
		}
		err = c.job.folder.WriteResult(result)
	}
	if lost := c.check(best); err == nil {
		err = lost
	} else if lost != nil {
		c.job.messages.warn("not all that the run wrote is there: %v", lost)
	}
	c.conclude()
	if err != nil {
		return err
	}
	if err := c.logJSON(result); err != nil {
		return err
	}
	whole := int(math.Round(seconds))
	return c.log("Training complete in %dm %ds\nBest val Acc: %.6f\n", whole/60, whole%60, best.Acc)
}

// check compares the folder with what was written into it, when all is, and writes again what somebody else removed or
// changed meanwhile.
func (c *console) check(best metrics.Phase) error {
	folder := c.job.folder
	if folder.KeepsOld() { // and loses what was written
		return nil
	}
	var changed []string
	if c.saved.N > 0 && !folder.Vanished() {
		sd, err := checkpoint.Read(filepath.Join(folder.Path(), run.BestFile))
		if err != nil || digest(sd) != c.best {
			c.saved, changed = metrics.Phase{}, append(changed, run.BestFile)
		}
	}
	if len(changed) > 0 || folder.Vanished() {
		if err := c.secure(best, nil); err != nil {
			return err
		}
	}
	others, err := folder.Mend()
	if changed = append(changed, others...); err == nil && len(changed) > 0 {
		c.job.messages.warn("%s in %s: removed or changed by somebody else while the training ran; written again",
			strings.Join(changed, ", "), folder.Path())
	}
	return err
}

// conclude says what there is.
func (c *console) conclude() {
	path := filepath.Join(c.job.folder.Path(), run.BestFile)
	switch {
	case c.job.folder.KeepsOld(): // which train says
	case c.saved.N == 0:
		c.job.messages.info("no weights were saved")
	case c.saved.Corrects == 0:
		c.job.messages.info("no epoch got a validation image right: the weights of the last one (epoch %d) are in %s; the run to look at is %s beside them",
			c.saved.Epoch, path, run.ReportFile)
	default:
		c.job.messages.info("best weights (epoch %d, val accuracy %.4f) in %s; the run to look at is %s beside them",
			c.saved.Epoch, c.saved.Acc, path, run.ReportFile)
	}
}

// digest returns the SHA-256 of a state dict as text.
func digest(sd *checkpoint.StateDict) string { return fmt.Sprintf("%x", sd.SHA256()) }

func (c *console) clearBar() {
	if c.bar != nil {
		c.bar.Finish()
		c.bar = nil
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(f.Fd()))
}

// print shows the losses as small bars where a person looks.
func (r *reporter) print() {
	style := styleOf(r.job.messages)
	if !style.bars {
		return
	}
	for _, phase := range []string{"train", "val"} {
		var losses []float64
		for _, p := range r.page.History.Of(phase) {
			losses = append(losses, p.Loss)
		}
		if len(losses) == 0 {
			continue
		}
		bars := style.paint(phase, report.Sparkline(losses, 40))
		fmt.Fprintf(r.job.messages.w, "%-5s loss %s  %.4f to %.4f\n", phase, bars, losses[0], losses[len(losses)-1])
	}
}
