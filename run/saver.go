package run

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"hymenoptera/checkpoint"
	"hymenoptera/internal/background"
	"hymenoptera/metrics"
)

// A Saver writes best.safetensors and last.safetensors while the training continues. If better weights come while earlier
// ones are still being written, they replace weights that still wait, so up to three copies are in memory for a moment. The
// saver repeats failed writes of the best weights at the end. One goroutine must call its methods.
type Saver struct {
	folder  *Folder
	weights func(metrics.Phase) (*checkpoint.StateDict, error)
	log     *slog.Logger
	work    background.Runner

	mu   sync.Mutex
	next writes // files that wait to be written
	last bool   // a checkpoint waits or is being written

	took time.Duration // for the last checkpoint

	// Belong to work while it is busy:
	err    error         // of the last write of best weights
	saved  metrics.Phase // the phase whose weights the file holds; N is 0 for none
	digest string        // their SHA-256
	failed bool          // the last checkpoint could not be written
}

// writes are files to be written, in this order.
type writes struct {
	weights    *checkpoint.StateDict
	best       metrics.Phase // of weights
	checkpoint *Checkpoint
}

// A Checkpoint is what last.safetensors will hold.
type Checkpoint struct {
	Best metrics.Phase // the phase whose weights in best.safetensors it names; N is 0 for none
	// Content makes the file while the training continues. best is the SHA-256 of these weights.
	Content func(best string) (*checkpoint.StateDict, error)
}

// NewSaver returns a saver for a folder. weights must return a copy of the model's weights, with metadata about the phase
// that reached them.
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
	s.start(func(next *writes) {
		if next.checkpoint != nil { // it names weights that will not be written
			s.last = false
		}
		*next = writes{weights: sd, best: best}
	})
	return nil
}

// Continue sets what best.safetensors holds when a resumed training begins.
func (s *Saver) Continue(saved metrics.Phase, digest string) { s.saved, s.digest = saved, digest }

// Checkpoint begins to write last.safetensors. If that fails, the saver logs the error and the old file stays.
func (s *Saver) Checkpoint(c Checkpoint) {
	s.start(func(next *writes) { next.checkpoint, s.last = &c, true })
}

// Checkpointing reports whether a checkpoint waits to be written or is being written.
func (s *Saver) Checkpointing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// start changes the next writes, and begins to write.
func (s *Saver) start(change func(next *writes)) {
	s.mu.Lock()
	change(&s.next)
	s.mu.Unlock()
	s.work.Start(s.write)
}

// write writes the files that wait.
func (s *Saver) write() {
	s.mu.Lock()
	now := s.next
	s.next = writes{}
	s.mu.Unlock()
	if now.weights != nil {
		if s.err = s.folder.SaveBest(now.weights); s.err == nil {
			s.saved, s.digest = now.best, digest(now.weights)
		}
	}
	if now.checkpoint != nil {
		s.writeLast(now.checkpoint)
	}
}

// writeLast writes a checkpoint, unless writing the weights that it names failed.
func (s *Saver) writeLast(c *Checkpoint) {
	start, best := time.Now(), ""
	var err error
	switch {
	case c.Best.N == 0:
	case s.saved == c.Best:
		best = s.digest
	default:
		err = fmt.Errorf("the best weights could not be written: %v", s.err)
	}
	var sd *checkpoint.StateDict
	if err == nil {
		sd, err = c.Content(best)
	}
	if err == nil {
		err = s.folder.SaveLast(sd, best != "")
	}
	if err != nil && !s.failed {
		s.log.Warn(fmt.Sprintf("no checkpoint could be written, so the training can be resumed only from an earlier one, if there is one: %v", err))
	}
	s.failed = err != nil
	s.mu.Lock()
	s.took, s.last = time.Since(start), s.next.checkpoint != nil
	s.mu.Unlock()
}

// CheckpointTime returns how long the last checkpoint took to be written.
func (s *Saver) CheckpointTime() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.took
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

// Check compares the folder with the files that were written into it, and rewrites those that others removed or changed.
// Call it at the end.
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
