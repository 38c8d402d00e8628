package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"syscall"

	"hymenoptera/internal/escape"
	"hymenoptera/metrics"
	"hymenoptera/report"
	"hymenoptera/run"
)

// A TrainingLog prints a training: the notebook's log on standard output, progress on standard error.
type TrainingLog struct {
	Stdout   io.Writer
	Messages *Messages
	Epochs   int
}

// EpochStart prints the title of an epoch.
func (l *TrainingLog) EpochStart(epoch int) error {
	return l.text("Epoch %d/%d\n%s\n", epoch, l.Epochs-1, strings.Repeat("-", 10))
}

// Step moves the bar to done of n images.
func (l *TrainingLog) Step(epoch int, phase string, done, n int) {
	l.Messages.ShowImages(fmt.Sprintf("%-5s %d/%d", phase, epoch, l.Epochs-1), done, n)
	if done == n {
		l.Messages.EndBar()
	}
}

// PhaseEnd prints loss and accuracy of a phase.
func (l *TrainingLog) PhaseEnd(p metrics.Phase) error {
	return errors.Join(l.json(p), l.text("%s Loss: %.4f Acc: %.4f\n", p.Name, p.Loss, p.Acc))
}

// EpochEnd ends an epoch with an empty line.
func (l *TrainingLog) EpochEnd(int) error { return l.text("\n") }

// End prints how long the training took and its best accuracy or, with --log-format json, the result.
func (l *TrainingLog) End(r run.Result) error {
	whole := int(math.Round(r.Seconds))
	return errors.Join(l.json(r), l.text("Training complete in %dm %ds\nBest val Acc: %.6f\n", whole/60, whole%60, r.Best.Acc))
}

// Sparklines shows the losses as small curves on a terminal, in the colours of the report.
func (l *TrainingLog) Sparklines(h metrics.History) {
	for i, phase := range []string{"train", "val"} {
		var losses []float64
		for _, p := range h.Of(phase) {
			losses = append(losses, p.Loss)
		}
		l.Messages.sparkline(fmt.Sprintf("%-5s loss", phase), report.Sparkline(losses, 40), []string{"34", "33"}[i],
			fmt.Sprintf("%.4f to %.4f", losses[0], losses[len(losses)-1]))
	}
}

// text writes to the notebook's log.
func (l *TrainingLog) text(format string, args ...any) error {
	if l.Messages.quiet || l.Messages.json() {
		return nil
	}
	_, err := fmt.Fprintf(l.Stdout, format, args...)
	return logError(err)
}

// json writes a line of the log with --log-format json.
func (l *TrainingLog) json(v any) error {
	if l.Messages.quiet || !l.Messages.json() {
		return nil
	}
	return logError(json.NewEncoder(escape.JSON(l.Stdout)).Encode(v))
}

// logError returns err, or an error with advice if the log's reader or terminal is gone.
func logError(err error) error {
	switch {
	case errors.Is(err, syscall.EPIPE):
		return errors.New("stopped: standard output was closed; --quiet trains without a log")
	case errors.Is(err, syscall.EIO):
		return fmt.Errorf("stopped: %w; where the terminal was closed, nohup trains on without it", err)
	}
	return err
}
