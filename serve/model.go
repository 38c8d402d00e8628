package serve

import (
	"context"
	"sync"

	"hymenoptera/classify"
)

// A model is a loaded checkpoint with its users: it is closed when the last of them is done.
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

// close waits for the users first.
func (m *model) close() error {
	m.users.Wait()
	return m.Close()
}

// acquire returns the model of now, which the caller must release with users.Done.
func (s *Server) acquire() *model {
	s.mu.RLock()
	defer s.mu.RUnlock()
	s.model.users.Add(1)
	return s.model
}

// Reload reads the checkpoint's file again. Requests that came before are answered by the network that they came
// to. On an error the old network stays.
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
