package serve

import (
	"context"
	"os"
	"os/signal"
	"sync"

	"hymenoptera/classify"
)

// A model is a loaded checkpoint with its users. It is closed when the last user is done.
type model struct {
	*classify.Classifier
	users sync.WaitGroup
}

func openModel(ctx context.Context, path string, cfg classify.Config) (*model, error) {
	c, err := classify.OpenConfig(ctx, path, cfg)
	if err != nil {
		return nil, err
	}
	return &model{Classifier: c}, nil
}

// pictureBytes returns the memory for a picture until its answer, besides its file: the network's input, and the names and
// numbers of the answer, which are in memory twice while it is written.
func (m *model) pictureBytes() int64 {
	n := int64(12 * m.Preprocessing.Size * m.Preprocessing.Size)
	for _, class := range m.Classes {
		n += 2 * int64(len(class)+100)
	}
	return n
}

// batchBytes returns by how much the process grows while a batch of n pictures goes through the network.
func (m *model) batchBytes(ctx context.Context, n int) (int64, error) {
	inputs := make([]classify.Input, n)
	for i := range inputs {
		inputs[i] = make(classify.Input, 3*m.Preprocessing.Size*m.Preprocessing.Size)
	}
	bytes, known, err := growth(func() error {
		_, err := m.PredictInputs(ctx, inputs)
		return err
	})
	if !known {
		bytes = 32 * int64(n) * m.pictureBytes() // a ResNet50's
	}
	return bytes + bytes/4, err // other sizes of batches leave holes
}

// close waits for the users first.
func (m *model) close() error {
	m.users.Wait()
	return m.Close()
}

// acquire returns the current model, which the caller must release with users.Done.
func (s *Server) acquire() *model {
	s.mu.RLock()
	defer s.mu.RUnlock()
	s.model.users.Add(1)
	return s.model
}

// ReloadOn reloads at each signal until stop is called, which closes signals.
func (s *Server) ReloadOn(ctx context.Context, signals chan os.Signal) (stop func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range signals {
			if err := s.Reload(ctx); err != nil {
				s.cfg.Log.Error("the checkpoint cannot be read again; the old one stays", "error", err)
			} else {
				s.cfg.Log.Info("reloaded", "checkpoint", s.path)
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(signals)
		<-done
	}
}

// Reload reads the checkpoint's file again. The old network answers requests that came before, and after an error it stays
// in use.
func (s *Server) Reload(ctx context.Context) error {
	fresh, err := openModel(ctx, s.path, s.cfg.Classify)
	if err != nil {
		s.metrics.reloads.WithLabelValues("error").Inc()
		return err
	}
	s.mu.Lock()
	old := s.model
	s.model = fresh
	s.mu.Unlock()
	s.metrics.reloads.WithLabelValues("ok").Inc()
	return old.close()
}
