package run

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"

	"hymenoptera/checkpoint"
	"hymenoptera/internal/background"
	"hymenoptera/metrics"
)

// A Saver writes best.safetensors while the training continues. If better weights come while earlier ones are still
// being written, they replace the ones that wait, so up to three copies are in memory for a moment. The saver repeats
// failed writes at the end. One goroutine must call its methods.
type Saver struct {
	folder  *Folder
	weights func(metrics.Phase) (*checkpoint.StateDict, error)
	log     *slog.Logger
	work    background.Runner

	// Belong to the work while it is busy:
	err    error         // of the last write
	saved  metrics.Phase // whose weights the file holds; N is 0 while it holds none
	digest string        // their SHA-256
}

// NewSaver returns a saver for a folder. weights returns a copy of the model's present weights, with metadata about
// the phase that reached them.
func NewSaver(f *Folder, weights func(metrics.Phase) (*checkpoint.StateDict, error), log *slog.Logger) *Saver {
	return &Saver{folder: f, weights: weights, log: log}
}

// Save copies the model's weights and begins to write them. It returns the error of an earlier write, if there was one.
func (s *Saver) Save(best metrics.Phase) error {
	if err := s.Err(); err != nil {
		return err
	}
	sd, err := s.weights(best)
	if err != nil {
		return err
	}
	s.work.Start(func() {
		if s.err = s.folder.SaveBest(sd); s.err == nil {
			s.saved, s.digest = best, digest(sd)
		}
	})
	return nil
}

// Err returns the error of the last write, or nil during one.
func (s *Saver) Err() error {
	if s.work.Busy() {
		return nil
	}
	return s.err
}

// Wait waits for writes to end and returns the error of the last one.
func (s *Saver) Wait() error {
	s.work.Wait()
	return s.err
}

// Saved returns the phase of the weights in the file, and their SHA-256. The phase's N is 0 if there are none. Call
// it after Wait.
func (s *Saver) Saved() (p metrics.Phase, digest string) { return s.saved, s.digest }

// Finish ensures that the folder holds the best weights, which the model now holds. It makes a vanished folder again,
// and repeats failed writes. If the training failed, weights that got no image right do not replace an old run.
func (s *Saver) Finish(best metrics.Phase, failed bool) error {
	err := s.Wait()
	if failed && best.Corrects == 0 && s.folder.KeepsOld() {
		return err
	}
	if s.folder.Vanished() {
		s.saved = metrics.Phase{}
		if err := s.folder.Restore(); err != nil {
			return err
		}
		s.log.Warn(s.folder.Path() + " was removed; it was recreated with the results so far")
		err = nil
	}
	if best.N == 0 || s.saved == best {
		return err
	}
	s.err = nil
	again := errors.Join(s.Save(best), s.Wait())
	if again == nil || err == nil {
		return again
	}
	return err // the first one
}

// Check compares the folder with the files that were written into it, and writes those again that others removed or
// changed. Call it at the end.
func (s *Saver) Check(best metrics.Phase) error {
	if s.folder.KeepsOld() { // and loses the weights
		return nil
	}
	var changed []string
	if s.saved.N > 0 && !s.folder.Vanished() {
		sd, err := checkpoint.Read(filepath.Join(s.folder.Path(), BestFile))
		if err != nil || digest(sd) != s.digest {
			s.saved, changed = metrics.Phase{}, append(changed, BestFile)
		}
	}
	if len(changed) > 0 || s.folder.Vanished() {
		if err := s.Finish(best, false); err != nil {
			return err
		}
	}
	others, err := s.folder.Mend()
	if changed = append(changed, others...); err == nil && len(changed) > 0 {
		s.log.Warn(fmt.Sprintf("another program removed or changed %s in %s; written again", strings.Join(changed, ", "), s.folder.Path()))
	}
	return err
}

// digest returns the SHA-256 of a state dict as text.
func digest(sd *checkpoint.StateDict) string { return fmt.Sprintf("%x", sd.SHA256()) }
