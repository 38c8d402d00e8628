// Package serve answers over HTTP what pictures show.
//
//	s, err := serve.New(ctx, "runs/bees/best.safetensors", serve.DefaultConfig())
//	defer s.Close()
//	listener, err := net.Listen("tcp", "127.0.0.1:8080")
//	err = s.Serve(ctx, listener) // until ctx is done; what was accepted is answered first
//
// Pictures of different requests go through the network together. What a request may take of memory and time is
// bounded, and so is what all of them may: who comes when the queue is full is told to come again. openapi.json
// describes the requests. It knows no users and keeps no picture.
package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"hymenoptera/classify"
)

// Config says how a server answers, and what it takes.
type Config struct {
	Classify    classify.Config
	MaxBatch    int           // pictures that go through the network together, at most
	MaxWait     time.Duration // that a picture waits for others to go with
	Queue       int           // pictures on their way, at most; a request that would exceed it gets status 429
	MaxPictures int           // a request
	MaxBody     int64         // bytes a request
	MaxPixels   int           // a picture
	Timeout     time.Duration // from a request's first byte to its answer
	Grace       time.Duration // for accepted requests once the server is to end
	Token       string        // that requests must bear, where it is not empty
	TLS         *tls.Config   // nil for plain HTTP
	Log         *slog.Logger  // the access log, and what goes wrong
}

// DefaultConfig returns limits for a small machine, and a log that is discarded.
func DefaultConfig() Config {
	return Config{
		Classify: classify.DefaultConfig(), MaxBatch: 8, MaxWait: 2 * time.Millisecond, Queue: 256, MaxPictures: 64,
		MaxBody: 20 << 20, MaxPixels: 50_000_000, Timeout: 30 * time.Second, Grace: 30 * time.Second,
		Log: slog.New(slog.DiscardHandler),
	}
}

// Validate returns an error if nothing could be answered.
func (c Config) Validate() error {
	switch {
	case c.MaxBatch < 1 || c.MaxBatch > 4096:
		return fmt.Errorf("serve: batches of %d pictures: want 1 to 4096", c.MaxBatch)
	case c.MaxWait < 0 || c.MaxWait > time.Minute:
		return fmt.Errorf("serve: waiting %v for a batch: want 0s to 1m", c.MaxWait)
	case c.Queue < 1 || c.Queue > 1<<20:
		return fmt.Errorf("serve: a queue of %d pictures: want 1 to 1048576", c.Queue)
	case c.MaxPictures < 1:
		return fmt.Errorf("serve: %d pictures a request: want 1 or more", c.MaxPictures)
	case c.MaxBody < 1 || c.MaxBody > 1<<40:
		return fmt.Errorf("serve: bodies of %d bytes: want 1 to 1 TiB", c.MaxBody)
	case c.MaxPixels < 1:
		return fmt.Errorf("serve: pictures of %d pixels: want 1 or more", c.MaxPixels)
	case c.Timeout <= 0 || c.Grace <= 0:
		return fmt.Errorf("serve: a timeout of %v and a grace of %v: want more than 0s", c.Timeout, c.Grace)
	}
	return nil
}

// A Server classifies the pictures of HTTP requests. It must be closed.
type Server struct {
	cfg     Config
	path    string // the checkpoint
	handler http.Handler
	metrics *metrics

	mu      sync.RWMutex // of model
	model   *model
	closing atomic.Bool

	waiting  *semaphore.Weighted // pictures on their way
	decoders *semaphore.Weighted // pictures that are decoded at once
	bodies   budget              // bytes of requests that are held
	items    chan *item
	active   sync.WaitGroup // requests that may send items
	done     chan struct{}  // closed when the batcher has ended
}

// New opens the best.safetensors of a run to serve it.
func New(ctx context.Context, path string, cfg Config) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	m, err := openModel(ctx, path, cfg.Classify)
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg: cfg, path: path, model: m, metrics: newMetrics(),
		waiting:  semaphore.NewWeighted(int64(cfg.Queue)),
		decoders: semaphore.NewWeighted(int64(runtime.GOMAXPROCS(0))),
		bodies:   budget{most: 16 * cfg.MaxBody},
		items:    make(chan *item, cfg.Queue),
		done:     make(chan struct{}),
	}
	s.handler = s.routes()
	go func() {
		defer close(s.done)
		s.batches()
	}()
	return s, nil
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	headers(w.Header(), s.cfg.TLS != nil)
	s.handler.ServeHTTP(w, r)
}

// Serve answers requests until ctx is done. Then it takes no more, answers those that it took, for which they have
// the configured grace, and returns nil.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	const headers = 5 * time.Second
	h := &http.Server{
		Handler: s, TLSConfig: s.cfg.TLS, ReadHeaderTimeout: headers, ReadTimeout: s.cfg.Timeout,
		WriteTimeout: s.cfg.Timeout + headers, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelWarn),
	}
	ended := make(chan error, 1)
	go func() {
		if s.cfg.TLS != nil {
			ended <- h.ServeTLS(listener, "", "")
		} else {
			ended <- h.Serve(listener)
		}
	}()
	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	s.closing.Store(true)
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.Grace)
	defer cancel()
	if err := h.Shutdown(grace); err != nil {
		return errors.Join(fmt.Errorf("serve: requests were still unanswered after %v", s.cfg.Grace), h.Close())
	}
	return nil
}

// Close waits for the requests that are under way and frees the network. No request may come any more.
func (s *Server) Close() error {
	s.closing.Store(true)
	s.active.Wait()
	close(s.items)
	<-s.done
	return s.model.close()
}
